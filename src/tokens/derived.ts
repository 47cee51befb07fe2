import { timingSafeEqual } from 'node:crypto'
import { writeLog } from '../log.ts'
import { type Keys, mac, type Purpose } from './keys.ts'

/**
 * Tokens that are derived, not stored: `subject . HMAC-SHA256(key of the purpose, subject)`.
 *
 * The database stores only subjects (ids and counters), so a dump contains nothing that could be
 * presented as a token (ASVS 11.5.1), and the same token can be made again when a response was lost.
 */
export function deriveToken(
  keys: Pick<Keys, 'derived'>,
  purpose: Purpose,
  subject: string,
): string {
  return `${subject}.${mac(keys, purpose, subject).toString('base64url')}`
}

/**
 * The subject of a genuine token, or null. Garbage is rejected here, without a network call. What the
 * previous key made is genuine too, and counted in the log: once nothing uses that key, it can go.
 */
export function subjectOf(keys: Keys, purpose: Purpose, token: string): string | null {
  const subject = token.slice(0, token.lastIndexOf('.'))
  if (isGenuine(token, deriveToken(keys, purpose, subject))) return subject
  if (!keys.previous) return null
  if (!isGenuine(token, deriveToken({ derived: keys.previous }, purpose, subject))) return null
  writeLog('info', 'previous_key_used', { purpose })
  return subject
}

/**
 * Compares in constant time, and by characters: base64url has several spellings for the last bits, but
 * only the one we made is ours.
 */
function isGenuine(given: string, made: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(made)]
  return a.length === b.length && timingSafeEqual(a, b)
}
