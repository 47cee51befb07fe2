/** Characters of which an attacker has to think, by what a password has of them. */
const ALPHABETS = [
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/\d/, 10],
  [/[^\p{L}\d]/u, 33],
  [/[^\P{L}a-zA-Z]/u, 100],
]

/** Bits from which a password is called fair, good, strong. */
const LEVELS = [45, 60, 80]

export const STRENGTHS = [
  undefined,
  'Weak. Add another word.',
  'Fair. Another word makes it strong.',
  'Good.',
  'Strong.',
]

/**
 * How hard it is to guess, as an index of `STRENGTHS`; 0 if it is too short. A rough estimate: the API also
 * knows common passwords and the names of the account.
 */
export function strengthOf(password, minLength) {
  const points = [...password].map((character) => character.codePointAt(0))
  if (points.length < minLength) return 0
  // `aaa` and `123` are little more than their first character.
  const fresh = points.filter((point, i) => !(Math.abs(point - points[i - 1]) <= 1))
  const alphabet = ALPHABETS.reduce((sum, [has, size]) => sum + (has.test(password) ? size : 0), 0)
  // Nor is `abab` more than twice `ab`.
  const length = Math.min(fresh.length, 2 * new Set(fresh).size)
  const bits = length * Math.log2(alphabet)
  return 1 + LEVELS.filter((level) => bits >= level).length
}
