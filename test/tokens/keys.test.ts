import { decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { deriveKeys } from '../../src/tokens/keys.ts'
import { newUser } from '../setup/accounts.ts'
import { environment, type Visitor, visitor } from '../setup/api.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'

async function signingKey(kid: string) {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { kty, crv, x, d } = await exportJWK(privateKey)
  return { kty, crv, x, d, kid }
}

/** The Worker before, during and after the rotation of its signing key from `a` to `b`. */
let before: Visitor
let during: Visitor
let after: Visitor

beforeAll(async () => {
  const [a, b] = [await signingKey('a'), await signingKey('b')]
  const worker = (...keys: object[]) =>
    visitor({ env: environment({ JWT_SIGNING_KEYS: JSON.stringify({ keys }) }) })
  before = worker(a)
  during = worker(b, a)
  after = worker(b)
})

const kidOf = (token: string) => decodeProtectedHeader(token).kid

const me = ({ get }: Visitor, token: string) => get('/api/users/me', { token })

test('GET /api/users/me returns 200 for a token of a rotated key until the key is removed, then 401', async () => {
  const { username, password, access_token: old, refresh_token } = await newUser(before)
  expect(kidOf(old)).toBe('a')
  expect((await me(during, old)).status).toBe(200)
  const { body } = await during.post('/api/users/login', { username, password })
  expect(kidOf(body.access_token)).toBe('b')
  expect((await me(during, body.access_token)).status).toBe(200)

  expectUnauthenticated(await me(after, old))
  expectUnauthenticated(await me(before, body.access_token))
  expect((await me(after, body.access_token)).status).toBe(200)
  const refreshed = await after.post('/api/users/refresh', { refresh_token })
  expect(kidOf(refreshed.body.access_token)).toBe('b')
})

test('GET /.well-known/jwks.json returns both public keys during a rotation, the signing key first', async () => {
  const published = (kid: string) => ({
    ...{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x: expect.any(String) },
  })
  for (const [worker, kids] of [
    [before, ['a']],
    [during, ['b', 'a']],
    [after, ['b']],
  ] as const) {
    const { status, headers, body } = await worker.get('/.well-known/jwks.json')
    expect([status, headers.get('Cache-Control')]).toEqual([200, 'public, max-age=300'])
    expect(body).toEqual({ keys: kids.map(published) })
  }
})

test('each purpose has a key of its own: HKDF-SHA256 of SECRET_KEY, without salt (RFC 5869)', async () => {
  const secretKey = 'a secret of the service, of 32 bytes or more'
  const signing = { kty: 'OKP', crv: 'Ed25519', kid: 'a', x: 'x', d: 'd' } as const
  const { derived } = deriveKeys({ secretKey, signingKeys: [signing] })
  const secret = new TextEncoder().encode(secretKey)
  const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
  for (const [purpose, key] of Object.entries(derived)) {
    const expected = await crypto.subtle.deriveBits(
      {
        ...{ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array() },
        info: new TextEncoder().encode(purpose),
      },
      material,
      256,
    )
    expect(key, purpose).toEqual(new Uint8Array(expected))
  }
})

test('without a signing key there are no keys', () => {
  expect(() => deriveKeys({ secretKey: 'x', signingKeys: [] })).toThrow(
    'JWT_SIGNING_KEYS contains no key',
  )
})
