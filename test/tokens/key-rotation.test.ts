import { decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import { beforeAll, expect, test } from 'vitest'
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

test('a rotated signing key logs nobody out, until it is taken away', async () => {
  const { username, password, access_token: old, refresh_token } = await newUser(before)
  expect(kidOf(old)).toBe('a')
  const me = async ({ get }: Visitor, token: string) => get('/api/users/me', { token })

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

test('GET /.well-known/jwks.json shows both keys while they are rotated, the signing one first', async () => {
  const kids = async ({ get }: Visitor) =>
    (await get('/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid)
  expect(await kids(before)).toEqual(['a'])
  expect(await kids(during)).toEqual(['b', 'a'])
  expect(await kids(after)).toEqual(['b'])
})
