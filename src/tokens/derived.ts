import { timingSafeEqual } from 'node:crypto'
import { type Keys, mac, type Purpose } from './keys.ts'

/**
 * Tokens that are derived, not stored: `subject . HMAC-SHA256(key of the purpose, subject)`.
 *
 * The database stores only subjects (ids and counters), so a dump contains nothing that could be
 * presented as a token (ASVS 11.5.1), and the same token can be made again when a response was lost.
 */
export function deriveToken(keys: Keys, purpose: Purpose, subject: string): string {
  return `${subject}.${mac(keys, purpose, subject).toString('base64url')}`
}

/** The subject of a genuine token, or null. Garbage is rejected here, without a network call. */
export function subjectOf(keys: Keys, purpose: Purpose, token: string): string | null {
  const end = token.lastIndexOf('.')
  const subject = token.slice(0, end)
  const given = Buffer.from(token.slice(end + 1), 'base64url')
  const expected = mac(keys, purpose, subject)
  if (given.length !== expected.length) return null
  // Base64url has several spellings for the last bits; only the one we made is ours.
  return timingSafeEqual(given, expected) && deriveToken(keys, purpose, subject) === token
    ? subject
    : null
}
