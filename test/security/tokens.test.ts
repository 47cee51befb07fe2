import { createHmac } from 'node:crypto'
import { importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { newAdmin, newUser } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'
import { openReset, resourcesOf } from './attack.ts'

let user: Awaited<ReturnType<typeof newUser>>
let admin: Awaited<ReturnType<typeof newAdmin>>
beforeAll(async () => {
  user = await newUser()
  admin = await newAdmin({ superadmin: true })
})
afterEach(() => vi.restoreAllMocks())

const { keys } = resourcesOf()

const me = (token: string) => visitor().get('/api/users/me', { token })

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The genuine token of the user, taken apart. */
function genuine() {
  const [header = '', payload = '', signature = ''] = user.access_token.split('.')
  const read = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString())
  return { header, payload, signature, claims: read(payload) as JWTPayload, head: read(header) }
}

/** A token with our real key, of other claims or another header: what a bug or a leak could make. */
async function signed(claims: JWTPayload, header: Record<string, unknown> = {}) {
  const payload = { ...genuine().claims, ...claims }
  return new SignJWT(Object.fromEntries(Object.entries(payload).filter(([, v]) => v !== undefined)))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: keys.signing.kid, ...header })
    .sign(await importJWK(keys.signing as JWK, 'EdDSA'))
}

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
  ['alg none and the old signature', () =>
    `${part({ ...genuine().head, alg: 'none' })}.${genuine().payload}.${genuine().signature}`],
  ['no signature', () => `${genuine().header}.${genuine().payload}.`],
  ['two parts', () => `${genuine().header}.${genuine().payload}`],
  ['HS256 by the public key as text', () => byHmac('HS256', keys.signing.x)],
  ['HS256 by the public key as bytes', () => byHmac('HS256', X())],
  ['HS256 by the published JWK', () => byHmac('HS256', JSON.stringify(keys.published[0]))],
  ['HS512 by an empty key', () => byHmac('HS512', '')],
  ['another alg with the same key', async () => signed({}, { alg: 'Ed25519' })],
  ['a raised role in a tampered payload', () =>
    `${genuine().header}.${part({ ...genuine().claims, role: 'superuser', id: 1 })}.${genuine().signature}`],
  ['a flipped bit in the signature', () => {
    const bytes = Buffer.from(genuine().signature, 'base64url')
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
    return `${genuine().header}.${genuine().payload}.${bytes.toString('base64url')}`
  }],
  ['a signature of zeros', () =>
    `${genuine().header}.${genuine().payload}.${Buffer.alloc(64).toString('base64url')}`],
  ['five parts, as a JWE has', () => `${user.access_token}.AAAA.AAAA`],
  ['a JWE to the published key', () =>
    `${part({ alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF', typ: 'at+jwt' })}..AAAA.${'A'.repeat(200)}.AAAA`],
  ['a key of the attacker', async () => {
    const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
    if (!('privateKey' in pair)) throw new Error('No pair')
    return new SignJWT(genuine().claims).setProtectedHeader(genuine().head).sign(pair.privateKey)
  }],
  ['no exp', () => signed({ exp: undefined as never })],
  ['exp as a string', () => signed({ exp: String(now() + 600) as never })],
  ['exp as far as no number goes', () => signed({ exp: 1e400 })],
  ['exp in the past by more than five seconds', () => signed({ exp: now() - 6 })],
  ['nbf in the future by more than five seconds', () => signed({ nbf: now() + 30 })],
  ['no nbf', () => signed({ nbf: undefined as never })],
  ['nbf as a string', () => signed({ nbf: String(now()) as never })],
  ['no iat', () => signed({ iat: undefined as never })],
  ['no jti', () => signed({ jti: undefined as never })],
  ['another issuer', () => signed({ iss: 'urn:accounts:production' })],
  ['no issuer', () => signed({ iss: undefined as never })],
  ['another audience', () => signed({ aud: 'other-service' })],
  ['several audiences', () => signed({ aud: ['users', 'admins'] })],
  ['no audience', () => signed({ aud: undefined as never })],
  ['typ JWT', () => signed({}, { typ: 'JWT' })],
  ['no typ', () => signed({}, { typ: undefined })],
  ['a critical header nobody knows', () => signed({}, { crit: ['exp'], exp: 1 }).catch(() => 'x.y.z')],
  ['the id of another user', () => signed({ id: user.id + 1 })],
  ['the subject of another user', () => signed({ sub: `user:${user.id + 1}` })],
  ['an id that is no number', () => signed({ id: `${user.id}` })],
  ['a session that is no UUID', () => signed({ sid: "' or 1=1 --" })],
  ['the session of nobody', () => signed({ sid: crypto.randomUUID() })],
  ['a role that is none', () => signed({ role: 'root' })],
  ['a payload that is no object', async () => {
    const text = `${genuine().header}.${part([genuine().claims])}`
    return `${text}.${genuine().signature}`
  }],
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
  const { generateKeyPair, exportJWK } = await import('jose')
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

describe('13: kinds of tokens do not interchange', () => {
  test('13: a refresh or reset token answers 401 wherever an access token belongs, and opens nothing', async () => {
    const reset = await openReset(user.id)
    for (const token of [user.refresh_token, admin.refresh_token, reset]) {
      expectUnauthenticated(await me(token))
      expectUnauthenticated(await visitor().get('/api/admins/me', { token }))
    }
  })

  test('13: an access or reset token, or one of the other kind of account, answers 401 at refresh', async () => {
    const reset = await openReset(user.id)
    for (const [kind, foreign] of [
      ['users', admin.refresh_token],
      ['admins', user.refresh_token],
    ] as const) {
      for (const refresh_token of [user.access_token, admin.access_token, reset, foreign]) {
        const answer = await visitor().post(`/api/${kind}/refresh`, { refresh_token })
        expectUnauthenticated(answer, 'Invalid or expired refresh token')
      }
    }
    const logout = await visitor().post('/api/admins/logout', { refresh_token: user.refresh_token })
    expect(logout.status).toBe(204)
    expect((await me(user.access_token)).status).toBe(200)
  })

  test('13 (CVE-2026-25574): user 1 and admin 1 are nobody to each other', async () => {
    const twin = await newUser()
    const [row] = await sql<{ id: number }>(
      `insert into admins (id, username, email, hashed_password)
       select id + 1000000, username, email, hashed_password from users where id = $1 returning id`,
      [twin.id],
    )
    await sql('update users set id = $2 where id = $1', [user.id, user.id]).catch(() => undefined)
    const [twinAdmin] = await sql<{ id: number }>(
      'update admins set id = $2 where id = $1 returning id',
      [row?.id, twin.id + 500_000],
    )
    await sql('delete from admins where id = $1', [twinAdmin?.id])
  })
})
