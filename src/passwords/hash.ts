import { compare, getRounds, hash, truncates } from 'bcryptjs'

/** bcrypt reads 72 bytes and silently ignores the rest, so longer passwords are rejected. */
export const PASSWORD_MAX_BYTES = 72

/** Cost 4, bcrypt's minimum, to 14: verifying a higher cost would take from 20 seconds to days. */
export const BCRYPT_HASH = /^\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/

/** Salt and digest of a password that was random and forgotten. */
const DECOY = 'lRs1sW3HnQ1cXFLJmHwJ3u4vEoKp4bqmWc0YqV6sCBJ4e9yJ0mQCe'

const decoy = (cost: number) => `$2b$${String(cost).padStart(2, '0')}$${DECOY}`

/** One password has several spellings in Unicode (é, e + ´); NFKC makes them one (NIST 800-63B-4). */
export const normalizePassword = (password: string) => password.normalize('NFKC')

export const hashPassword = (password: string, cost: number) =>
  hash(normalizePassword(password), cost)

export type Verdict = {
  correct: boolean
  /** The stored hash is cheaper than today's, or of another spelling: make a new one. */
  outdated: boolean
  /** The stored hash is not a bcrypt hash: no password matches it. */
  malformed: boolean
}

/**
 * Compares a password with a stored hash. Without one, or with a malformed one, it does the same
 * work on a decoy, so that timing reveals nothing (CVE-2025-22234). `cost` is what new hashes have; a
 * cheaper stored hash takes as long; a more expensive one takes longer.
 */
export async function verifyPassword(
  password: string,
  stored: string | null | undefined,
  cost: number,
): Promise<Verdict> {
  const isBcrypt = stored && BCRYPT_HASH.test(stored)
  const hashed = isBcrypt ? stored : decoy(cost)
  const normal = normalizePassword(password)
  let matched = (await compare(normal, hashed)) && !truncates(normal)
  let outdated = matched && getRounds(hashed) < cost
  // Each step of the cost doubles the work: c, c, c + 1, … up to cost - 1 make one of `cost`.
  for (let step = getRounds(hashed); step < cost; step++) await compare(normal, decoy(step))
  // Hashes of the former service were made from what was typed, normal form or not.
  if (!matched && normal !== password) {
    matched = (await compare(password, hashed)) && !truncates(password)
    outdated = matched
  }
  return {
    correct: Boolean(isBcrypt) && matched,
    outdated,
    malformed: !isBcrypt && stored !== undefined,
  }
}
