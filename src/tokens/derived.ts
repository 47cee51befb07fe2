import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Keys, Purpose } from './keys.ts'

/**
 * Tokens that are derived, not stored: `subject . HMAC-SHA256(key of the purpose, subject)`.
 *
 * The database holds subjects (ids and counters) only, so a dump holds nothing that could be
 * presented as a token (ASVS 11.5.1), and the same token can be made again when an answer got lost.
 */
function derive(keys: Keys, purpose: Purpose, subject: string): string {
  return `${subject}.${mac(keys, purpose, subject).toString('base64url')}`
}

/** The subject of a genuine token, or null. Costs no trip: garbage dies here. */
function subjectOf(keys: Keys, purpose: Purpose, token: string): string | null {
  const end = token.lastIndexOf('.')
  const subject = token.slice(0, end)
  const given = Buffer.from(token.slice(end + 1), 'base64url')
  const expected = mac(keys, purpose, subject)
  if (end < 0 || given.length !== expected.length) return null
  // Base64url has several spellings for the last bits; only the one we made is ours.
  return timingSafeEqual(given, expected) && derive(keys, purpose, subject) === token
    ? subject
    : null
}

const mac = (keys: Keys, purpose: Purpose, subject: string) =>
  createHmac('sha256', keys.derived[purpose]).update(subject).digest()

/** Whose account it is. Users and admins are apart in every table, key and token. */
export type AccountKind = 'user' | 'admin'

/** A session at one point of its rotation (RFC 9700 section 4.14.2). */
export type RefreshSubject = { sessionId: string; counter: number }

export const refreshToken = (
  keys: Keys,
  kind: AccountKind,
  { sessionId, counter }: RefreshSubject,
) => derive(keys, `refresh-token:${kind}`, `${sessionId}.${counter}`)

export function readRefreshToken(
  keys: Keys,
  kind: AccountKind,
  token: string,
): RefreshSubject | null {
  const [sessionId, counter] = subjectOf(keys, `refresh-token:${kind}`, token)?.split('.') ?? []
  return sessionId && counter ? { sessionId, counter: Number(counter) } : null
}

/** `resetId` is the id of the request for a reset; the newest one of an account is the valid one. */
export const resetToken = (keys: Keys, resetId: string) => derive(keys, 'password-reset', resetId)

export const readResetToken = (keys: Keys, token: string) =>
  subjectOf(keys, 'password-reset', token)

/** Names an identifier in the table of attempts without storing what a person typed. */
export const attemptKey = (keys: Keys, kind: AccountKind, identifier: string) =>
  `${kind}?${mac(keys, 'login-attempts', `${kind}:${identifier.toLowerCase()}`).toString('base64url')}`
