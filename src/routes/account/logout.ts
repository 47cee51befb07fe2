import type { AccountType } from '../../db/accounts.ts'
import { endSession } from '../../db/sessions.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { readRefreshToken } from '../../tokens/refresh.ts'
import { RefreshToken } from '../input.ts'

/** `POST /logout`: ends the session of a refresh token. */
export const logout = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'logoutUser', admin: 'logoutAdmin' }[accountType],
      summary: 'Log out',
      description:
        'Ends the session of the refresh token. The response is the same for a token that is already invalid.',
      responses: { 204: { description: 'The session has ended, now or earlier' } },
    }),
    json(RefreshToken),
    async (c) => {
      const subject = readRefreshToken(c.var.keys, accountType, c.req.valid('json').refresh_token)
      if (subject) {
        await rateLimit(c)
        const { sessionId } = subject
        await endSession[accountType](c.var.db, { sessionId, ...requestSourceOf(c) })
      }
      return c.body(null, 204)
    },
  )
