import { createHmac } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { newUser } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'
import { resourcesOf } from './attack.ts'
import { part, partsOf, resigned, sealed } from './forged-token.ts'

let user: Awaited<ReturnType<typeof newUser>>
beforeAll(async () => {
  user = await newUser()
})
afterEach(() => vi.restoreAllMocks())

const { keys } = resourcesOf()

const me = (token: string) => visitor().get('/api/users/me', { token })

/** The genuine token of the user. */
const genuine = () => partsOf(user.access_token)

const signed = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
  resigned(user.access_token, claims, header)

/** A token by HMAC, with what everybody may know of us for a key. */
function byHmac(alg: 'HS256' | 'HS512', secret: string | Uint8Array) {
  const text = `${part({ ...genuine().head, alg })}.${genuine().payload}`
  const hash = alg === 'HS256' ? 'sha256' : 'sha512'
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
}

const now = () => Math.floor(Date.now() / 1000)

test('12: the tokens forged below would be good, were it not for what is wrong with them', async () => {
  expect((await me(await signed({}))).status).toBe(200)
  expect((await me(await signed({ exp: now() - 3 }))).status).toBe(200)
})

const X = () => Buffer.from(keys.signing.x, 'base64url')

test.each<[what: string, forge: () => string | Promise<string>]>([
  ['alg none', () => `${part({ ...genuine().head, alg: 'none' })}.${genuine().payload}.`],
  ['alg nOnE', () => `${part({ ...genuine().head, alg: 'nOnE' })}.${genuine().payload}.`],
  [
    'alg none and the old signature',
    () => `${part({ ...genuine().head, alg: 'none' })}.${genuine().payload}.${genuine().signature}`,
  ],
  ['no signature', () => `${genuine().header}.${genuine().payload}.`],
  ['two parts', () => `${genuine().header}.${genuine().payload}`],
  ['HS256 by the public key as text', () => byHmac('HS256', keys.signing.x)],
  ['HS256 by the public key as bytes', () => byHmac('HS256', X())],
  ['HS256 by the published JWK', () => byHmac('HS256', JSON.stringify(keys.published[0]))],
  ['HS512 by an empty key', () => byHmac('HS512', '')],
  ['another alg with the same key', async () => signed({}, { alg: 'Ed25519' })],
  [
    'a raised role in a tampered payload',
    () =>
      `${genuine().header}.${part({ ...genuine().claims, role: 'superuser', id: 1 })}.${genuine().signature}`,
  ],
  [
    'a flipped bit in the signature',
    () => {
      const bytes = Buffer.from(genuine().signature, 'base64url')
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
      return `${genuine().header}.${genuine().payload}.${bytes.toString('base64url')}`
    },
  ],
  [
    'a signature of zeros',
    () => `${genuine().header}.${genuine().payload}.${Buffer.alloc(64).toString('base64url')}`,
  ],
  ['five parts, as a JWE has', () => `${user.access_token}.AAAA.AAAA`],
  [
    'a JWE to the published key',
    () =>
      `${part({ alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF', typ: 'at+jwt' })}..AAAA.${'A'.repeat(200)}.AAAA`,
  ],
  [
    'a key of the attacker',
    async () => {
      const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
      if (!('privateKey' in pair)) throw new Error('No pair')
      return new SignJWT(genuine().claims).setProtectedHeader(genuine().head).sign(pair.privateKey)
    },
  ],
  ['no exp', () => signed({ exp: undefined })],
  ['exp as a string', () => signed({ exp: String(now() + 600) })],
  [
    'exp as far as no number goes',
    () =>
      sealed(
        genuine().head,
        JSON.stringify({ ...genuine().claims, exp: 7 }).replace(':7', ':1e999'),
      ),
  ],
  ['exp null', () => signed({ exp: null })],
  ['iat of a year ago, and yet an exp to come', () => signed({ iat: now() - 365 * 86400 })],
  ['iat in the future by more than five seconds', () => signed({ iat: now() + 30 })],
  ['exp in the past by more than five seconds', () => signed({ exp: now() - 6 })],
  ['nbf in the future by more than five seconds', () => signed({ nbf: now() + 30 })],
  ['no nbf', () => signed({ nbf: undefined })],
  ['nbf as a string', () => signed({ nbf: String(now()) })],
  ['no iat', () => signed({ iat: undefined })],
  ['no jti', () => signed({ jti: undefined })],
  ['another issuer', () => signed({ iss: 'urn:accounts:production' })],
  ['no issuer', () => signed({ iss: undefined })],
  ['another audience', () => signed({ aud: 'other-service' })],
  ['several audiences', () => signed({ aud: ['users', 'admins'] })],
  ['no audience', () => signed({ aud: undefined })],
  ['typ JWT', () => signed({}, { typ: 'JWT' })],
  ['no typ', () => signed({}, { typ: undefined })],
  ['a critical header that nobody knows', () => signed({}, { crit: ['x'], x: 1 })],
  ['an unencoded payload, by b64', () => signed({}, { crit: ['b64'], b64: false })],
  ['the id of another user', () => signed({ id: user.id + 1 })],
  ['the subject of another user', () => signed({ sub: `user:${user.id + 1}` })],
  ['an id that is no number', () => signed({ id: `${user.id}` })],
  ['a session that is no UUID', () => signed({ sid: "' or 1=1 --" })],
  ['the session of nobody', () => signed({ sid: crypto.randomUUID() })],
  ['a role that is none', () => signed({ role: 'root' })],
  ['a payload that is a list', () => sealed(genuine().head, JSON.stringify([genuine().claims]))],
  ['a payload that is null', () => sealed(genuine().head, 'null')],
  ['a payload that is no JSON', () => sealed(genuine().head, '{"exp":')],
])('12 (RFC 8725): a token with %s answers 401 at GET /api/users/me', async (_, forge) => {
  expectUnauthenticated(await me(await forge()))
})

test.each([
  ['kid that climbs folders', { kid: '../../../../dev/null' }],
  ['kid that is SQL', { kid: "x' union select 'AAAA" }],
  ['kid that is __proto__', { kid: '__proto__' }],
  ['kid that is an address', { kid: 'https://evil.example.com/key' }],
  ['jku', { jku: 'https://evil.example.com/jwks.json', kid: 'evil' }],
  ['x5u', { x5u: 'https://evil.example.com/cert.pem', kid: 'evil' }],
  ['jwk of the attacker', { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }, kid: 'evil' }],
])('12 (RFC 8725, 3.10): the header %s causes no fetch and answers 401', async (_, header) => {
  const fetched = vi.spyOn(globalThis, 'fetch')
  expectUnauthenticated(await me(await signed({}, header)))
  expect(fetched).not.toHaveBeenCalled()
})

test('12 (RFC 8725, 3.10): jku and jwk beside the right kid are ignored, not followed', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch')
  const token = await signed({}, { jku: 'https://evil.example.com/jwks.json', x5u: 'file:///x' })
  expect((await me(token)).status).toBe(200)
  expect(fetched.mock.calls.filter(([to]) => String(to).includes('evil'))).toEqual([])
})

test('12: a signing key that is gone from the configuration signs nothing any more; an older one still there does', async () => {
  const fresh = await exportJWK((await generateKeyPair('EdDSA', { extractable: true })).privateKey)
  const key = { kty: 'OKP', crv: 'Ed25519', kid: 'next', x: fresh.x, d: fresh.d }
  const call = (signingKeys: unknown[]) =>
    visitor({ env: environment({ JWT_SIGNING_KEYS: JSON.stringify({ keys: signingKeys }) }) }).get(
      '/api/users/me',
      { token: user.access_token },
    )
  expect((await call([key, keys.signing])).status).toBe(200)
  expectUnauthenticated(await call([key]))
})
