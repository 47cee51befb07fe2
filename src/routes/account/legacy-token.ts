import type { RequestContext } from '../../context.ts'
import type { AccountType } from '../../db/accounts.ts'
import { exchangeLegacyToken, LEGACY_COUNTER } from '../../db/sessions.ts'
import { log } from '../../log.ts'
import { deviceOf, requestSourceOf } from '../../request-source.ts'
import { readLegacyRefreshToken } from '../../tokens/legacy.ts'

type LegacySubject = { accountId: number; sessionId: string; counter: typeof LEGACY_COUNTER }

/** What a refresh token of the former service stands for once it has been exchanged, or null. */
export async function legacySubject(
  c: RequestContext,
  accountType: AccountType,
  token: string,
): Promise<LegacySubject | null> {
  const { legacy } = c.var.config
  const found = await readLegacyRefreshToken(token, { legacy, now: Date.now() })
  if (found?.kind !== accountType) return null
  const { accountId, sessionId } = found
  return { accountId, sessionId, counter: LEGACY_COUNTER }
}

/** Opens the session of such a token, unless it has been: see `exchangeLegacyToken`. */
export async function exchangeLegacy(
  c: RequestContext,
  accountType: AccountType,
  { accountId, sessionId }: LegacySubject,
) {
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
