import { writeLog } from '../log.ts'
import { timeoutSignal } from '../timeout.ts'

/** Milliseconds for the lookup. It fails open: during an outage passwords pass. */
const TIMEOUT_MS = 1_000

/** Hexadecimal digits of the hash that the service learns: one of 2^20 groups (k-anonymity). */
const PREFIX_LENGTH = 5

/**
 * Whether a password is known from a breach, by the range protocol of Have I Been Pwned. Responses
 * padded with counts of 0 are understood.
 */
export async function isBreached(baseUrl: string, password: string): Promise<boolean> {
  const digest = await crypto.subtle.digest(
    'SHA-1',
    new TextEncoder().encode(password.normalize('NFKC')),
  )
  const hash = Buffer.from(digest).toString('hex').toUpperCase()
  try {
    const response = await fetch(`${baseUrl}/range/${hash.slice(0, PREFIX_LENGTH)}`, {
      headers: { 'Add-Padding': 'true', 'User-Agent': 'edge-accounts' },
      signal: timeoutSignal(TIMEOUT_MS),
    })
    if (!response.ok) throw new TypeError('The range request failed')
    const suffix = hash.slice(PREFIX_LENGTH)
    return (await response.text())
      .split(/\r?\n/)
      .some((line) => line.startsWith(`${suffix}:`) && !line.endsWith(':0'))
  } catch {
    writeLog('warn', 'breached_passwords_unavailable')
    return false
  }
}
