import type { RequestContext } from '../../context.ts'
import type { AccountType } from '../../db/accounts.ts'
import { exchangeLegacyToken, LEGACY_COUNTER, type RefreshSubject } from '../../db/sessions.ts'
import { log } from '../../log.ts'
import { deviceOf, requestSourceOf } from '../../request-source.ts'
import { readLegacyRefreshToken } from '../../tokens/legacy.ts'
import { readRefreshToken } from '../../tokens/refresh.ts'

/** `legacyAccountId`: whose token of the former service it was, which opens the session at its first use. */
type PresentedSession = RefreshSubject & { legacyAccountId?: number }

type Presented = { token: string; fromCookie: boolean }

/** The session that a genuine refresh token stands for, or null. Those of the former service came in no cookie. */
export async function presentedSession(
  c: RequestContext,
  accountType: AccountType,
  { token, fromCookie }: Presented,
): Promise<PresentedSession | null> {
  const { keys, config } = c.var
  const own = readRefreshToken(keys, accountType, token)
  if (own || fromCookie) return own
  const { legacy } = config
  const found = await readLegacyRefreshToken(token, { legacy, now: Date.now() })
  if (found?.kind !== accountType) return null
  const { sessionId, accountId } = found
  return { sessionId, counter: LEGACY_COUNTER, legacyAccountId: accountId }
}

/** Opens the session of a token of the former service, unless it has been: see `exchangeLegacyToken`. */
export async function openLegacySession(
  c: RequestContext,
  accountType: AccountType,
  { sessionId, legacyAccountId: accountId }: PresentedSession,
) {
  if (accountId === undefined) return undefined
  const { db, config } = c.var
  const { refreshTokenSeconds } = config
  const opened = await exchangeLegacyToken[accountType](db, {
    ...{ accountId, sessionId, refreshTokenSeconds },
    ...deviceOf(c),
    ...requestSourceOf(c),
  })
  if (!opened) return undefined
  log(c, 'info', 'legacy_refresh_token_exchanged', { kind: accountType, id: accountId })
  return {
    ...{ account_id: accountId, elevated: opened.elevated, counter: 0 },
    ...{ expires_in: refreshTokenSeconds, reused: false as const },
  }
}
