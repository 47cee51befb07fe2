import type { AccountType } from '../../db/accounts.ts'
import { rotateSession } from '../../db/sessions.ts'
import { defineUnauthenticated } from '../../errors.ts'
import { log } from '../../log.ts'
import { clearRefreshCookie, refreshCookieMode } from '../../middleware/refresh-cookie.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { openLegacySession, presentedSession } from './presented-session.ts'
import { mayUseCookie, PresentedToken, presentedToken } from './presented-token.ts'
import { tokenPair, tokenPairResponse } from './token-pair.ts'

const invalidRefreshToken = defineUnauthenticated('Invalid or expired refresh token')

/** `POST /refresh`: a new pair for the newest refresh token of a session (RFC 9700 section 4.14.2). */
export const refresh = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'refreshUserTokens', admin: 'refreshAdminTokens' }[accountType],
      summary: 'Refresh tokens',
      description:
        'Returns a new pair and invalidates the refresh token. The same token sent again within 30 seconds gets the same pair; an older token is treated as stolen and ends the session. A token that came in the cookie is replaced there, with `X-Refresh-Token: cookie` or without; with 401 the cookie is cleared.',
      security: mayUseCookie[accountType],
      responses: { 200: tokenPairResponse('The new pair') },
      errors: [invalidRefreshToken],
    }),
    json(PresentedToken),
    refreshCookieMode,
    async (c) => {
      const { db, config } = c.var
      const presented = presentedToken(c, accountType, c.req.valid('json'))
      const reject = () => {
        if (presented.fromCookie) clearRefreshCookie(c, accountType)
        return invalidRefreshToken()
      }
      const session = await presentedSession(c, accountType, presented)
      if (!session) throw reject()

      await rateLimit(c, 'refresh')
      const { sessionId } = session
      const { refreshTokenSeconds } = config
      const rotated =
        (await openLegacySession(c, accountType, session)) ??
        (await rotateSession[accountType](db, {
          ...{ sessionId, counter: session.counter, refreshTokenSeconds },
          ...requestSourceOf(c),
        }))
      if (!rotated) throw reject()
      const { account_id: accountId } = rotated
      if (rotated.reused) {
        log(c, 'warn', 'refresh_token_reuse', { kind: accountType, id: accountId })
        throw reject()
      }
      const { counter, elevated, expires_in: expiresIn } = rotated
      return c.json(
        await tokenPair(
          c,
          accountType,
          { accountId, elevated, sessionId, counter, expiresIn },
          presented.cookieMode,
        ),
        200,
      )
    },
  )
