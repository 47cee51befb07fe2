import type { RequestContext } from '../../context.ts'
import type { AccountType } from '../../db/accounts.ts'
import { endSession } from '../../db/sessions.ts'
import { log } from '../../log.ts'
import { cookieSessionId } from '../../middleware/refresh-cookie.ts'
import { requestSourceOf } from '../../request-source.ts'

/**
 * Ends the session of the cookie that this response replaces or clears, unless it is the same one: nobody
 * could log out of it any more (ASVS 7.2.4). After the response, which doesn't depend on it.
 */
export function endReplacedSession(
  c: RequestContext,
  accountType: AccountType,
  currentId: string | undefined,
) {
  const sessionId = cookieSessionId(c, accountType)
  if (!sessionId || sessionId === currentId) return
  c.executionCtx.waitUntil(
    endSession[accountType](c.var.db, { sessionId, ...requestSourceOf(c) }).catch(() =>
      log(c, 'warn', 'replaced_session_not_ended', { kind: accountType }),
    ),
  )
}
