import type { AccountType } from '../db/accounts.ts'
import type { RefreshSubject } from '../db/sessions.ts'
import { deriveToken, subjectOf } from './derived.ts'
import type { Keys } from './keys.ts'

/** The refresh token of a session at one point of its rotation (RFC 9700 section 4.14.2). */
export const refreshToken = (
  keys: Keys,
  accountType: AccountType,
  { sessionId, counter }: RefreshSubject,
) => deriveToken(keys, `refresh-token:${accountType}`, `${sessionId}.${counter}`)

/** Beyond it PostgreSQL could not count on. A session can't be refreshed so often. */
const MAX_COUNTER = 2 ** 31 - 2

/** What a genuine refresh token of this account type stands for, or null. */
export function readRefreshToken(
  keys: Keys,
  accountType: AccountType,
  token: string,
): RefreshSubject | null {
  const [sessionId, counter] =
    subjectOf(keys, `refresh-token:${accountType}`, token)?.split('.') ?? []
  if (!sessionId || !counter || Number(counter) > MAX_COUNTER) return null
  return { sessionId, counter: Number(counter) }
}
