/** Words that people paste. In random base64 the shortest of them is one in a billion. */
const PLACEHOLDER =
  /change.?(me|this)|placeholder|example|default|insecure|your.?secret|secret.?key|passw[o0]rd/i

/** 16 random bytes in hex have fewer once in 30 million times, in base64 practically never. */
const MIN_DIFFERENT = 8

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
  if (isText && PLACEHOLDER.test(secret)) return false
  const values = isText ? Array.from(secret, (char) => char.charCodeAt(0)) : [...secret]
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
