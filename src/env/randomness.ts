/** What people paste, whatever surrounds it. In random base64 the shortest of them is one in a billion. */
const PLACEHOLDER =
  /change.?(me|this)|replace.?(with|this)|insert.?your|placeholder|example|default|insecure|your.?secret|secret.?key|passw[o0]rd|letmein|bootstrap|not.?a.?secret|test.?key|dummy.?key|qazwsxe|zaqxswc|openssl|urandom|\$\([a-z]+ /i

/** Words of sentences about secrets, and of sentences that everybody knows. */
const WORDS =
  /about|access|admin|backend|battery|brown|change|character|company|correct|dolor|dummy|every|first|fixme|from|generate|have|hello|horse|hunter|insert|ipsum|jumps|launch|least|length|letters|local|long|lorem|love|master|must|only|over|please|private|production|question|quick|random|real|replace|secret|server|should|signing|staple|string|strong|super|test|that|there|this|todo|token|unit|valid|very|welcome|with|world|would|your/gi

/** Letters of `WORDS` in a secret: two words or three. Random base64 has them once in 10 million times. */
const WORD_LETTERS = 9

/**
 * How published keys begin, as text or as the hex of their bytes: of tutorials (FastAPI, Flask, NextAuth),
 * of standards (RFC 8032 and 8037, 7515, FIPS 197), UUIDs of documentation, hashes of nothing, "password",
 * "secret" and "test", pi and e.
 */
const PUBLISHED =
  /^(09d25e094faa|192b9bdd22ab|OGZmYzc0ZDY5|9d61b19deffd|4ccd089b28ff|c5aa8df43f9f|f5e5767cf153|833fe6240923|AyM1SysPpbyD|123e4567-e89b|6ba7b81\d-9dad|2b7e151628ae|603deb1015ca|e3b0c44298fc|da39a3ee5e6b|d41d8cd98f00|5e884898da28|5baa61e4c9b9|5f4dcc3b5aa7|2bb80d537b1d|e5e9fa1ba31e|5ebe2294ecd0|9f86d081884c|a94a8fe5ccb1|098f6bcd4621|3141592653|2718281828)/i

/** Octal digits or half of the hex ones: 32 random hex digits have fewer once in a billion times. */
const MIN_DIFFERENT = 6

const KEYBOARD = '1234567890qwertyuiopasdfghjkl;zxcvbnm,./'

/**
 * Whether a generator could have made this secret, given as text or as bytes. What people make up has
 * few different characters, or follows the alphabet, the keyboard or itself:
 *
 * - two thirds of the steps lead to a neighbor: `abcdef…`, `qwerty…`, `aabbcc…`, `abc123def…`
 * - so do seven eighths of those to a later character: `secret01secret01…`, `a1b2c3…`, `1q2w3e…`
 * - half of the steps are the same: `acegik…`
 *
 * Of random secrets of 16 bytes, in hex or base64, it rejects less than one in ten million.
 */
export function looksRandom(secret: string | Uint8Array): boolean {
  const isText = typeof secret === 'string'
  const text = isText ? secret : Buffer.from(secret).toString('hex')
  if (PUBLISHED.test(text) || PLACEHOLDER.test(text)) return false
  if ((text.match(WORDS) ?? []).join('').length >= WORD_LETTERS) return false
  const values = isText ? Array.from(secret, (char) => char.charCodeAt(0)) : [...secret]
  if (!isText && Math.max(...values) < 0x80) return false // ASCII
  if (new Set(values).size < MIN_DIFFERENT) return false

  const keys = isText ? Array.from(secret.toLowerCase(), (char) => KEYBOARD.indexOf(char)) : values
  for (let distance = 1; distance <= values.length / 2; distance++) {
    const onKeyboard = stepsOf(keys, distance)
    const steps = stepsOf(values, distance)
    const near = steps.filter((step, i) => isNear(step) || isNear(onKeyboard[i] ?? step))
    if (near.length >= steps.length * (distance === 1 ? 2 / 3 : 7 / 8)) return false
  }

  const steps = stepsOf(values, 1)
  const counts = new Map<number, number>()
  for (const step of steps) counts.set(step, (counts.get(step) ?? 0) + 1)
  return Math.max(...counts.values()) < steps.length / 2
}

/** The difference of each value from the one this far before it. */
const stepsOf = (values: readonly number[], distance: number) =>
  values.slice(distance).map((value, i) => value - (values[i] ?? 0))

const isNear = (step: number) => Math.abs(step) <= 1
