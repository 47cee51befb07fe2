import { createPrivateKey, createPublicKey, randomBytes, randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { generateSecretKey } from '../../scripts/keys/generate.ts'
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
  ['the columns of a keyboard, downwards', 'qazwsxedcrfvtgbyhnujmikolpqazwsxedc'],
  ['digits, but few', '80412753966170829354410963728501'],
  ['letters, but few', 'kqvzmwtjxrbpghdyfcnlsouieaw'],
  ...[
    'replace-with-a-random-string-of-32-bytes',
    '<insert-your-32-byte-key-here-please>',
    'TODO-generate-a-real-secret-before-launch',
    'dummy-key-for-ci-and-local-dev-only-1',
    'test-key-test-key-for-unit-tests-only',
    'thisisaverylongsecretforourjwtproduction',
    'SomeRandomStringOf32CharactersLng',
    'letmein-into-the-admin-area-1234',
    'admin-bootstrap-token-2026-11-27',
    'correct-horse-battery-staple-1234',
    'the-quick-brown-fox-jumps-over-the-lazy-dog',
    'Lorem-ipsum-dolor-sit-amet,-consectetur-adipiscing',
  ].map((words) => ['in words', words] as const),
  ...[
    '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7', // FastAPI
    '192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf', // Flask
    'OGZmYzc0ZDY5ZWQ0NGRlMzk3ZjI5ZTgyZWM=', // NextAuth
    'a-string-secret-at-least-256-bits-long', // jwt.io
    'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
    'your-super-secret-jwt-token-with-at-least-32-characters', // Supabase
    'super-secret-jwt-token-with-at-least-32-characters-long',
    'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow', // RFC 7515
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', // RFC 8032
    '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', // SP 800-38A
    '123e4567-e89b-12d3-a456-426614174000',
    '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', // SHA-256 of nothing
    '5f4dcc3b5aa765d61d8327deb882cf99', // MD5 of "password"
    '3141592653589793238462643383279502884197169399375105820974944592',
  ].map((key) => ['published', key] as const),
] as const

const TOKENS = ['ADMIN_BOOTSTRAP_TOKEN', 'METRICS_TOKEN']
const SECRETS = ['SECRET_KEY', 'SECRET_KEY_PREVIOUS', ...TOKENS]

test.each(WEAK_SECRETS)(
  'readConfig rejects a secret that is %s (%s), and says how to make one',
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
  '$(openssl rand -base64 32)$(date +%s)',
  '$(head -c 32 /dev/random | base64 -w 0)',
  'FIXME: generate with openssl rand -hex 32',
])('readConfig rejects the SECRET_KEY %s, which is a command', (SECRET_KEY) => {
  expect(problemsOf({ SECRET_KEY })).toEqual(['SECRET_KEY: is not random: run "npm run keys"'])
})

test.each([
  ['1234567890123456', 'must have 128 random bits'],
  ['Xk93mQ2pLz7RvT4w', 'must have 128 random bits'],
  ['e3b0c44298fc1c149afbf4c8996fb92', 'must have 128 random bits'],
  ['hkpnigmojlhhkgpminojlk', 'must have 128 random bits'],
  ['Xk93mQ2pLz7 RvT4wBn8sYc', 'must consist of printable ASCII characters, without spaces'],
])('readConfig rejects the ADMIN_BOOTSTRAP_TOKEN %s: it %s', (token, message) => {
  const problems = problemsOf({ ADMIN_BOOTSTRAP_TOKEN: token })
  expect(problems[0]).toContain(`ADMIN_BOOTSTRAP_TOKEN: ${message}`)
})

test.each(['Xk93mQ2pLz7 RvT4wBn8sYc', 'Xk93mQ2pLz7"RvT4wBn8sYc', 'Xk93mQ2pLz7=RvT4wBn8sYc'])(
  'readConfig rejects the METRICS_TOKEN %s, which is no bearer token',
  (METRICS_TOKEN) => {
    expect(problemsOf({ METRICS_TOKEN })).toEqual([
      'METRICS_TOKEN: must consist of letters, digits and -._~+/: run "npm run keys"',
    ])
  },
)

test('readConfig rejects a METRICS_TOKEN that is another secret: Prometheus has it', () => {
  const { SECRET_KEY = '' } = valid
  const SECRET_KEY_PREVIOUS = generateSecretKey()
  const ADMIN_BOOTSTRAP_TOKEN = generateSecretKey()
  for (const METRICS_TOKEN of [SECRET_KEY, SECRET_KEY_PREVIOUS, ADMIN_BOOTSTRAP_TOKEN]) {
    expect(problemsOf({ METRICS_TOKEN, SECRET_KEY_PREVIOUS, ADMIN_BOOTSTRAP_TOKEN })).toEqual([
      'METRICS_TOKEN: is the same as another secret: run "npm run keys" for one of its own',
    ])
  }
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
      const names = bytes > 16 ? SECRETS : TOKENS
      for (const name of names) expect(problemsOf({ [name]: secret })).toEqual([])
    }
  },
)

const DIGITS = '0123456789'
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const ALL = DIGITS + LETTERS + LETTERS.toUpperCase()

/** What other generators choose from, and how many characters make a secret. */
const ALPHABETS: [name: string, alphabet: string, length: number][] = [
  ['octal digits', '01234567', 86],
  ['decimal digits', DIGITS, 78],
  ['letters', LETTERS, 32],
  ['base32', `${LETTERS.toUpperCase()}234567`, 52],
  ['letters and digits', ALL, 32],
  ['all of ASCII', `${ALL}!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`, 32],
]

test.each(ALPHABETS)('no random secret of %s is rejected', (_, alphabet, length) => {
  for (let n = 0; n < 2_000; n++) {
    const chosen = Array.from({ length }, () => alphabet[randomInt(alphabet.length)])
    if (!looksRandom(chosen.join(''))) expect.fail(`${chosen.join('')} is rejected`)
  }
})

test.each([
  '1547165571764339359463354917146665916156',
  '74514420404514350444202721035507171343272353422205753031472720244414421034514222115325',
])('readConfig accepts the random digits %s, though some digits are missing', (secret) => {
  for (const name of SECRETS) expect(problemsOf({ [name]: secret })).toEqual([])
})

test('no seed of 32 random bytes is rejected', () => {
  for (let n = 0; n < 20_000; n++) {
    const seed = randomBytes(32)
    if (!looksRandom(seed)) expect.fail(`${seed.toString('hex')} is rejected`)
  }
})

test('readConfig rejects a secret that is used twice, also with white space around it', () => {
  const { SECRET_KEY = '' } = valid
  for (const same of [SECRET_KEY, `${SECRET_KEY} `, `${SECRET_KEY}\n`, `\t${SECRET_KEY}`]) {
    expect(problemsOf({ SECRET_KEY_PREVIOUS: same })).toEqual([
      'SECRET_KEY_PREVIOUS: is the same as SECRET_KEY: set the value before it, or none',
    ])
    expect(namesIn(problemsOf({ SECRET_KEY: same, ADMIN_BOOTSTRAP_TOKEN: SECRET_KEY }))).toEqual([
      'ADMIN_BOOTSTRAP_TOKEN',
    ])
    const previous = { SECRET_KEY: generateSecretKey(), SECRET_KEY_PREVIOUS: same }
    expect(namesIn(problemsOf({ ...previous, ADMIN_BOOTSTRAP_TOKEN: SECRET_KEY }))).toEqual([
      'ADMIN_BOOTSTRAP_TOKEN',
    ])
  }
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

test.each([
  ['RFC 8037 A.1 and RFC 8032 7.1', 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'base64url'],
  [
    'the second test of RFC 8032',
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    'hex',
  ],
  [
    'the hash of "secret"',
    '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b',
    'hex',
  ],
  ['a text', 'this is the seed of our jwt keys', 'ascii'],
  ['a random key in hex', 'c07f3a9be214d85f66a1b30e9d72c48f', 'ascii'],
] as const)('readConfig rejects a signing key whose seed is %s', (_, seed, encoding) => {
  expect(problemsOfKeys(keyOf(Buffer.from(seed, encoding)))).toEqual([
    'JWT_SIGNING_KEYS: contains a private key that is not random: run "npm run keys"',
  ])
})

test('readConfig rejects a signing key whose x is that of another', () => {
  const [one, other] = [keyOf(randomBytes(32)), keyOf(randomBytes(32))]
  expect(problemsOfKeys(one)).toEqual([])
  expect(problemsOfKeys({ ...one, x: other.x })).toEqual([
    'JWT_SIGNING_KEYS: contains a key whose x and d do not belong together: run "npm run keys"',
  ])
})
