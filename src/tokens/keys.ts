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

export type Keys = {
  /** HMAC keys by purpose, derived from `SECRET_KEY` by HKDF (RFC 5869). */
  derived: Readonly<Record<Purpose, Uint8Array>>
  signing: SigningKey
  /** What `/.well-known/jwks.json` shows: the public part of every key that verifies. */
  published: readonly PublishedKey[]
}

type Secrets = { secretKey: string; signingKeys: readonly SigningKey[] }

/** Derives every key from the two secrets of the configuration. */
export function deriveKeys({ secretKey, signingKeys }: Secrets): Keys {
  const derive = (purpose: Purpose) =>
    new Uint8Array(hkdfSync('sha256', secretKey, '', purpose, KEY_BYTES))
  const [signing] = signingKeys
  if (!signing) throw new TypeError('JWT_SIGNING_KEYS contains no key')
  return {
    derived: {
      'refresh-token:user': derive('refresh-token:user'),
      'refresh-token:admin': derive('refresh-token:admin'),
      'password-reset': derive('password-reset'),
      'password-reset:admin': derive('password-reset:admin'),
      'login-attempts': derive('login-attempts'),
    },
    signing,
    published: signingKeys.map(({ d: _private, ...key }) => ({ ...key, alg: 'EdDSA', use: 'sig' })),
  }
}

/** HMAC-SHA256 with the key of one purpose (RFC 2104). */
export const mac = (keys: Keys, purpose: Purpose, text: string) =>
  createHmac('sha256', keys.derived[purpose]).update(text).digest()
