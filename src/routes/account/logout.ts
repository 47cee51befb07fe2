import type { AccountType } from '../../db/accounts.ts'
import { endSession } from '../../db/sessions.ts'
import {
  clearRefreshCookie,
  cookieSessionId,
  refreshCookieMode,
  SetCookie,
} from '../../middleware/refresh-cookie.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { openLegacySession, presentedSession } from './presented-session.ts'
import { mayUseCookie, PresentedToken, presentedToken } from './presented-token.ts'
import { endReplacedSession } from './replaced-session.ts'

/** `POST /logout`: ends the session of a refresh token. */
export const logout = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'logoutUser', admin: 'logoutAdmin' }[accountType],
      summary: 'Log out',
      description:
        'Ends the session of the refresh token. The response is the same for a token that is already invalid. In cookie mode the cookie is cleared.',
      security: mayUseCookie[accountType],
      responses: {
        204: { description: 'The session has ended, now or earlier', headers: SetCookie },
      },
    }),
    json(PresentedToken),
    refreshCookieMode,
    async (c) => {
      const presented = presentedToken(c, accountType, c.req.valid('json'))
      const { cookieMode } = presented
      const session = await presentedSession(c, accountType, presented)
      // What is not genuine ends no session, and costs no trip.
      if (session || (cookieMode && cookieSessionId(c, accountType))) await rateLimit(c)
      if (session) {
        // One of the former service gets a session that can end: afterwards nobody can exchange the token.
        await openLegacySession(c, accountType, session)
        await endSession[accountType](c.var.db, {
          sessionId: session.sessionId,
          ...requestSourceOf(c),
        })
      }
      if (cookieMode) {
        endReplacedSession(c, accountType, session?.sessionId)
        clearRefreshCookie(c, accountType)
      }
      return c.body(null, 204)
    },
  )
