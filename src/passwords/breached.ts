import { writeLog } from '../log.ts'

/** Milliseconds for the lookup. It is a help, not a gate: when it is away, passwords pass. */
const TIMEOUT = 1_000

/** The service learns so many hexadecimal digits of the hash: one of 2^20 groups (k-anonymity). */
const PREFIX_LENGTH = 5

/**
 * Whether a password is known from a breach, by the range protocol of Have I Been Pwned. Answers
 * padded with counts of 0 are understood.
 */
export async function isBreached(baseUrl: string, password: string): Promise<boolean> {
  const digest = await crypto.subtle.digest(
    'SHA-1',
    new TextEncoder().encode(password.normalize('NFKC')),
  )
  const hash = Buffer.from(digest).toString('hex').toUpperCase()
  try {
    const answer = await fetch(`${baseUrl}/range/${hash.slice(0, PREFIX_LENGTH)}`, {
      headers: { 'Add-Padding': 'true', 'User-Agent': 'edge-accounts' },
      signal: AbortSignal.timeout(TIMEOUT),
    })
    if (!answer.ok) throw new TypeError('The range was refused')
    const suffix = hash.slice(PREFIX_LENGTH)
    return (await answer.text())
      .split(/\r?\n/)
      .some((line) => line.startsWith(`${suffix}:`) && !/:0+$/.test(line))
  } catch {
    writeLog('warn', 'breached_passwords_unavailable')
    return false
  }
}
