import { createHmac, hkdfSync } from 'node:crypto'

/** Bytes of a derived key: as many as SHA-256 gives (RFC 2104 section 3). */
const KEY_BYTES = 32

/** Each purpose has a key of its own, so that a token made for one is garbage to all others. */
const PURPOSES = [
  'refresh-token:user',
  'refresh-token:admin',
  'password-reset',
  'password-reset:admin',
  'login-attempts',
] as const

export type Purpose = (typeof PURPOSES)[number]

/** A private JWK of Ed25519 (RFC 8037). */
type SigningKey = { kty: 'OKP'; crv: 'Ed25519'; kid: string; x: string; d: string }

type PublishedKey = Omit<SigningKey, 'd'> & { alg: 'EdDSA'; use: 'sig' }

/** HMAC keys by purpose, derived from a secret by HKDF (RFC 5869). */
type DerivedKeys = Readonly<Record<Purpose, Uint8Array>>

export type Keys = {
  /** From `SECRET_KEY`. */
  derived: DerivedKeys
  /** From `SECRET_KEY_PREVIOUS`: they verify what was made before a change, and make nothing. */
  previous: DerivedKeys | undefined
  signing: SigningKey
  /** What `/.well-known/jwks.json` shows: the public part of every key that verifies. */
  published: readonly PublishedKey[]
}

type Secrets = {
  secretKey: string
  previousSecretKey?: string | undefined
  signingKeys: readonly SigningKey[]
}

/** Derives every key from the secrets of the configuration. */
export function deriveKeys({ secretKey, previousSecretKey, signingKeys }: Secrets): Keys {
  const [signing] = signingKeys
  if (!signing) throw new TypeError('JWT_SIGNING_KEYS contains no key')
  return {
    derived: deriveFrom(secretKey),
    previous: previousSecretKey === undefined ? undefined : deriveFrom(previousSecretKey),
    signing,
    published: signingKeys.map(({ d: _private, ...key }) => ({ ...key, alg: 'EdDSA', use: 'sig' })),
  }
}

const deriveFrom = (secret: string) =>
  Object.fromEntries(
    PURPOSES.map((purpose) => [
      purpose,
      new Uint8Array(hkdfSync('sha256', secret, '', purpose, KEY_BYTES)),
    ]),
  ) as DerivedKeys

/** HMAC-SHA256 with the key of one purpose (RFC 2104). */
export const mac = (keys: Pick<Keys, 'derived'>, purpose: Purpose, text: string) =>
  createHmac('sha256', keys.derived[purpose]).update(text).digest()
