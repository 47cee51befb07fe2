import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Keys, Purpose } from './keys.ts'

/** HMAC-SHA256 with the key of one purpose (RFC 2104). */
export const mac = (keys: Keys, purpose: Purpose, text: string) =>
  createHmac('sha256', keys.derived[purpose]).update(text).digest()

/**
 * Tokens that are derived, not stored: `subject . HMAC-SHA256(key of the purpose, subject)`.
 *
 * The database holds subjects (ids and counters) only, so a dump holds nothing that could be
 * presented as a token (ASVS 11.5.1), and the same token can be made again when a response got lost.
 */
export function deriveToken(keys: Keys, purpose: Purpose, subject: string): string {
  return `${subject}.${mac(keys, purpose, subject).toString('base64url')}`
}

/** The subject of a genuine token, or null. Costs no trip: garbage is rejected here. */
export function subjectOf(keys: Keys, purpose: Purpose, token: string): string | null {
  const end = token.lastIndexOf('.')
  const subject = token.slice(0, end)
  const given = Buffer.from(token.slice(end + 1), 'base64url')
  const expected = mac(keys, purpose, subject)
  if (end < 0 || given.length !== expected.length) return null
  // Base64url has several spellings for the last bits; only the one we made is ours.
  return timingSafeEqual(given, expected) && deriveToken(keys, purpose, subject) === token
    ? subject
    : null
}
