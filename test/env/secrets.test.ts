import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { looksRandom } from '../../src/env/randomness.ts'
import { namesIn, problemsOf, valid } from '../setup/configuration.ts'

const WEAK_SECRETS = [
  ['short', 'k3J9x-Qm2_Zr7Wt5'],
  ['one letter repeated', 'a'.repeat(64)],
  ['of few letters', 'abaacbbcaabcbacbbacabcbaacbabcabcbba'],
  ['one word repeated', 'secret01'.repeat(8)],
  ['one word repeated and counted', 'tomato1tomato2tomato3tomato4tomato5tomato6'],
  ['the alphabet and the digits', 'abcdefghijklmnopqrstuvwxyz0123456789'],
  ['the same backwards', '9876543210zyxwvutsrqponmlkjihgfedcba'],
  ['every second letter', 'acegikmoqsuwyACEGIKMOQSUWY024681357'],
  ['the alphabet between the digits', 'a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6'],
  ['blocks of the alphabet', 'abc123def456ghi789jkl012mno345pqr678'],
  ['pairs of letters', 'aabbccddeeffgghhiijjkkllmmnnoopp'],
  ['the hex digits in order', '0123456789abcdef'.repeat(4)],
  ['the rows of a keyboard', 'qwertyuiopasdfghjklzxcvbnm1234567890'],
  ['the columns of a keyboard', '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.'],
  ['an example', 'your-secret-key-change-me-in-production-0123456789'],
  ['a password', 'MyVeryLongPassw0rd-8391572046-kxqwzjvbtr'],
] as const

const SECRETS = ['SECRET_KEY', 'SECRET_KEY_PREVIOUS', 'ADMIN_BOOTSTRAP_TOKEN']

test.each(WEAK_SECRETS)(
  'readConfig rejects a secret that is %s, and says how to make one',
  (_, secret) => {
    for (const name of SECRETS) {
      const problems = problemsOf({ [name]: secret })
      expect(problems.length, name).toBeGreaterThan(0)
      for (const problem of problems) {
        expect(problem).toMatch(/: .+ "npm run keys"$/)
        expect(problem.split(':')[0]).toBe(name)
        expect(problem).not.toContain(secret)
      }
    }
  },
)

test.each([
  ['1234567890123456', 'must have 128 random bits'],
  ['Xk93mQ2pLz7RvT4w', 'must have 128 random bits'],
  ['e3b0c44298fc1c149afbf4c8996fb92', 'must have 128 random bits'],
  ['Xk93mQ2pLz7 RvT4wBn8sYc', 'must consist of printable ASCII characters, without spaces'],
])('readConfig rejects the ADMIN_BOOTSTRAP_TOKEN %s: it %s', (token, message) => {
  const problems = problemsOf({ ADMIN_BOOTSTRAP_TOKEN: token })
  expect(problems[0]).toContain(`ADMIN_BOOTSTRAP_TOKEN: ${message}`)
})

/** How secrets are generated: `npm run keys`, `openssl rand -hex 16`, … */
const GENERATORS = [16, 24, 32, 48].flatMap((bytes) =>
  (['hex', 'base64', 'base64url'] as const).map((encoding) => ({ bytes, encoding })),
)

test.each(GENERATORS)(
  'no secret of $bytes random bytes in $encoding is rejected',
  ({ bytes, encoding }) => {
    for (let n = 0; n < 5_000; n++) {
      const secret = randomBytes(bytes).toString(encoding)
      if (!looksRandom(secret)) expect.fail(`${secret} is rejected`)
      if (n % 100 > 0) continue
      const names = bytes > 16 ? SECRETS : ['ADMIN_BOOTSTRAP_TOKEN']
      for (const name of names) expect(problemsOf({ [name]: secret })).toEqual([])
    }
  },
)

test('no seed of 32 random bytes is rejected', () => {
  for (let n = 0; n < 20_000; n++) {
    const seed = randomBytes(32)
    if (!looksRandom(seed)) expect.fail(`${seed.toString('hex')} is rejected`)
  }
})

test('readConfig rejects a secret that is used twice', () => {
  const { SECRET_KEY = '' } = valid
  expect(problemsOf({ SECRET_KEY_PREVIOUS: SECRET_KEY })).toEqual([
    'SECRET_KEY_PREVIOUS: is the same as SECRET_KEY: set the value before it, or none',
  ])
  expect(namesIn(problemsOf({ ADMIN_BOOTSTRAP_TOKEN: SECRET_KEY }))).toEqual([
    'ADMIN_BOOTSTRAP_TOKEN',
  ])
})

/** The problems of a set of keys. */
const problemsOfKeys = (...keys: object[]) =>
  problemsOf({ JWT_SIGNING_KEYS: JSON.stringify({ keys }) })

const [validKey] = JSON.parse(valid['JWT_SIGNING_KEYS'] ?? '').keys

test('readConfig rejects JWT_SIGNING_KEYS with a public key, or with two keys of one kid', () => {
  expect(namesIn(problemsOfKeys({ ...validKey, d: undefined }))).toEqual(['JWT_SIGNING_KEYS'])
  expect(problemsOfKeys(validKey, validKey)).toEqual([
    'JWT_SIGNING_KEYS: contains two keys with the same kid',
  ])
})

/** A key with this seed, and the public key that belongs to it. */
function keyOf(seed: Uint8Array) {
  const d = Buffer.from(seed).toString('base64url')
  const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x: d, d }, format: 'jwk' })
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', kid: 'a', x, d }
}

test.each([
  ['zeros', () => 0],
  ['one byte', () => 0xa5],
  ['ascending bytes', (i: number) => i + 1],
  ['descending bytes', (i: number) => 255 - i],
  ['multiples of seven', (i: number) => i * 7],
  ['a text of eight bytes repeated', (i: number) => 'Zr7Wt5Qm'.charCodeAt(i % 8)],
])('readConfig rejects a signing key whose seed is %s', (_, byte) => {
  const key = keyOf(Uint8Array.from({ length: 32 }, (_, i) => byte(i)))
  const problem = 'JWT_SIGNING_KEYS: contains a private key that is not random: run "npm run keys"'
  expect(problemsOfKeys(key)).toEqual([problem])
  expect(problemsOfKeys(validKey, key)).toEqual([problem])
})

test('readConfig rejects a signing key whose x is that of another', () => {
  const [one, other] = [keyOf(randomBytes(32)), keyOf(randomBytes(32))]
  expect(problemsOfKeys(one)).toEqual([])
  expect(problemsOfKeys({ ...one, x: other.x })).toEqual([
    'JWT_SIGNING_KEYS: contains a key whose x and d do not belong together: run "npm run keys"',
  ])
})
