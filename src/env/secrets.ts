import { createPrivateKey, createPublicKey } from 'node:crypto'
import * as z from 'zod/mini'
import { looksRandom } from './randomness.ts'

/** What nobody can guess, however many try (NIST SP 800-63B-4, 3.1.2.2). */
const MIN_BITS = 128

/** What a character is worth: how many the generators of such text choose from, at most 64. */
const ALPHABETS = [
  { text: /^\d*$/, size: 10 },
  { text: /^([\da-f]*|[\dA-F]*)$/, size: 16 },
  { text: /^([a-z]*|[A-Z]*)$/, size: 26 },
]

const bitsOf = (secret: string) =>
  secret.length * Math.log2(ALPHABETS.find(({ text }) => text.test(secret))?.size ?? 64)

const NOT_RANDOM = 'is not random: run "npm run keys"'

/** RFC 2104 wants a key as long as the hash: 32 bytes; in base64 those are 43 characters. */
const SECRET_BYTES = 32

export const secretKey = z.string().check(
  z.refine((key) => Buffer.byteLength(key) >= SECRET_BYTES && bitsOf(key) >= MIN_BITS, {
    message: `must be at least ${SECRET_BYTES} random bytes: run "npm run keys"`,
  }),
  z.refine(looksRandom, { message: NOT_RANDOM }),
)

/** Whether a secret is one that nobody can guess, as those of this service have to be. */
export const isUnguessable = (secret: string) => secretKey.safeParse(secret).success

/** A secret that is sent in a header. */
const headerToken = (characters: RegExp, message: string) =>
  z.string().check(
    z.regex(characters, message),
    z.refine((token) => bitsOf(token) >= MIN_BITS, {
      message: `must have ${MIN_BITS} random bits, which are 32 characters of hex or 22 of base64: run "npm run keys"`,
    }),
    z.refine(looksRandom, { message: NOT_RANDOM }),
  )

export const bootstrapToken = headerToken(
  /^[\x21-\x7e]*$/,
  'must consist of printable ASCII characters, without spaces',
)

/** Sent as a bearer token (RFC 6750 section 2.1). */
export const metricsToken = headerToken(
  /^[\w\-.~+/]*=*$/,
  'must consist of letters, digits and -._~+/: run "npm run keys"',
)

/** Whether both are set, to one value: a line break at the end makes no other. */
export const isSameSecret = (one: unknown, other: unknown) =>
  typeof one === 'string' && typeof other === 'string' && one.trim() === other.trim()

/** An Ed25519 key as long as RFC 8032 wants it, in base64url. */
const keyText = z.base64url().check(z.length(43))

const signingKey = z.pipe(
  z
    .strictObject({
      kty: z.literal('OKP'),
      crv: z.literal('Ed25519'),
      kid: z.string().check(z.minLength(1), z.maxLength(64)),
      x: keyText,
      d: keyText,
      alg: z.optional(z.literal('EdDSA')),
      use: z.optional(z.literal('sig')),
    })
    .check(
      z.refine(({ d }) => looksRandom(Buffer.from(d, 'base64url')), {
        message: 'contains a private key that is not random: run "npm run keys"',
      }),
      z.refine((key) => publicPart(key) === key.x, {
        message: 'contains a key whose x and d do not belong together: run "npm run keys"',
      }),
    ),
  z.transform(({ kty, crv, kid, x, d }) => ({ kty, crv, kid, x, d })),
)

/** The public key that belongs to `d` (RFC 8032, 5.1.5), whatever `x` says. */
function publicPart({ kty, crv, x, d }: { kty: string; crv: string; x: string; d: string }) {
  const key = createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' })
  return createPublicKey(key).export({ format: 'jwk' }).x
}

/** The parsed text, or an issue. */
const parsedJson = z.transform((text: string, context): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    const message = 'must be a JWK Set as JSON: run "npm run keys"'
    context.issues.push({ code: 'custom', input: text, message })
    return z.NEVER
  }
})

const jwkSet = z.object({ keys: z.array(signingKey).check(z.minLength(1), z.maxLength(4)) }).check(
  z.refine(({ keys }) => new Set(keys.map(({ kid }) => kid)).size === keys.length, {
    message: 'contains two keys with the same kid',
  }),
)

/** A private JWK Set (RFC 7517). The first key signs; all of them verify, so that one can be rotated. */
export const signingKeys = z.pipe(
  z.pipe(z.pipe(z.string(), parsedJson), jwkSet),
  z.transform(({ keys }) => keys),
)
