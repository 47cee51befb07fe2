import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'
import { rotateSession } from '../../db/sessions.ts'
import { unauthenticated } from '../../errors.ts'
import { log } from '../../log.ts'
import { limit } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { json } from '../../middleware/validate.ts'
import { type AccountKind, readRefreshToken } from '../../tokens/derived.ts'
import { Token } from '../input.ts'
import { TokenPair, tokenPair } from './token-pair.ts'

const refused = () => unauthenticated('Invalid or expired refresh token')

/** `POST /refresh`: a new pair for the newest refresh token of a session (RFC 9700 section 4.14.2). */
export const refresh = (kind: AccountKind) =>
  endpoint(
    contract({
      summary: 'Refresh the tokens',
      description:
        'Answers the successor of a refresh token; sent again within 30 seconds, the same successor. An older token is taken for stolen and ends the session.',
      limited: true,
      answers: { 200: { description: 'The next pair', schema: TokenPair } },
      errors: { AuthenticationError: 'Invalid or expired refresh token' },
    }),
    json(z.object({ refresh_token: Token })),
    async (c) => {
      const { db, keys, config } = c.var
      const subject = readRefreshToken(keys, kind, c.req.valid('json').refresh_token)
      if (!subject) throw refused()

      await limit(c, 'refresh')
      const { refreshTokenSeconds } = config
      const trace = traceOf(c)
      const rotated = await rotateSession(db, kind, subject, { refreshTokenSeconds, trace })
      if (!rotated) throw refused()
      const { account_id: accountId, counter, ranked, reused } = rotated
      if (reused) {
        log(c, 'warn', 'refresh_token_reuse', { kind, id: accountId })
        throw refused()
      }
      const { sessionId } = subject
      return c.json(await tokenPair(c, kind, { accountId, ranked, sessionId, counter }), 200)
    },
  )
