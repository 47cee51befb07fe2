import type { AccountType } from '../../db/accounts.ts'
import { rotateSession } from '../../db/sessions.ts'
import { defineUnauthenticated } from '../../errors.ts'
import { log } from '../../log.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { readRefreshToken } from '../../tokens/refresh.ts'
import { RefreshToken } from '../input.ts'
import { TokenPair, tokenPair } from './token-pair.ts'

const invalidRefreshToken = defineUnauthenticated('Invalid or expired refresh token')

/** `POST /refresh`: a new pair for the newest refresh token of a session (RFC 9700 section 4.14.2). */
export const refresh = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'refreshUserTokens', admin: 'refreshAdminTokens' }[accountType],
      summary: 'Refresh tokens',
      description:
        'Returns a new pair and invalidates the refresh token. The same token sent again within 30 seconds gets the same pair; an older token is treated as stolen and ends the session.',
      responses: { 200: { description: 'The new pair', schema: TokenPair } },
      errors: [invalidRefreshToken],
    }),
    json(RefreshToken),
    async (c) => {
      const { db, keys, config } = c.var
      const subject = readRefreshToken(keys, accountType, c.req.valid('json').refresh_token)
      if (!subject) throw invalidRefreshToken()

      await rateLimit(c, 'refresh')
      const { refreshTokenSeconds } = config
      const rotated = await rotateSession[accountType](db, {
        ...subject,
        refreshTokenSeconds,
        ...requestSourceOf(c),
      })
      if (!rotated) throw invalidRefreshToken()
      const { account_id: accountId, counter, elevated, reused } = rotated
      if (reused) {
        log(c, 'warn', 'refresh_token_reuse', { kind: accountType, id: accountId })
        throw invalidRefreshToken()
      }
      const { sessionId } = subject
      return c.json(
        await tokenPair(c, accountType, { accountId, elevated, sessionId, counter }),
        200,
      )
    },
  )
