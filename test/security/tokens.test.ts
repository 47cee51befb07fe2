import { createHmac } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterEach, expect, test, vi } from 'vitest'
import { newAdmin, newUser, PASSWORD, registerUser } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { emptyDatabase } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'
import { resourcesOf } from './attack.ts'
import { getMe, login, refresh } from './calls.ts'

afterEach(() => vi.restoreAllMocks())

const user = await newUser()
const admin = await newAdmin({ superadmin: true })
const { keys } = resourcesOf()
const signingKey = (await importJWK(keys.signing as JWK, 'EdDSA')) as CryptoKey
const base64url = (text: string) => Buffer.from(text).toString('base64url')
const part = (value: unknown) => base64url(JSON.stringify(value))

function partsOf(token: string) {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const read = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString())
  return { header, payload, signature, head: read(header), claims: read(payload) as JWTPayload }
}

/** Any header and payload, signed with our own key. */
async function sign(header: unknown, json: string) {
  const text = `${part(header)}.${base64url(json)}`
  const signature = await crypto.subtle.sign('Ed25519', signingKey, Buffer.from(text))
  return `${text}.${Buffer.from(signature).toString('base64url')}`
}

/** A token changed in these claims and header fields, signed with our own key. */
function resign(token: string, claims: object, header: object = {}) {
  const parts = partsOf(token)
  return sign({ ...parts.head, ...header }, JSON.stringify({ ...parts.claims, ...claims }))
}

const { header, payload, signature, head, claims } = partsOf(user.access_token)

const resigned = (changed: object, header: object = {}) =>
  resign(user.access_token, changed, header)

/** A token that is authenticated by HMAC, with a key that everybody can know. */
function hmac(alg: 'HS256' | 'HS512', secret: string | Uint8Array) {
  const text = `${part({ ...head, alg })}.${payload}`
  const hash = alg === 'HS256' ? 'sha256' : 'sha512'
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
}

const now = () => Math.floor(Date.now() / 1000)

test('12: a token that is resigned unchanged, or has expired by three seconds, is valid', async () => {
  expect((await getMe(await resigned({}))).status).toBe(200)
  expect((await getMe(await resigned({ exp: now() - 3 }))).status).toBe(200)
})

const publicKey = Buffer.from(keys.signing.x, 'base64url')
const JWE = { alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF', typ: 'at+jwt' }
const attacker = await generateKeyPair('EdDSA')
const flipped = Buffer.from(signature, 'base64url')
flipped.writeUInt8(flipped.readUInt8(0) ^ 1, 0)

test.each<[what: string, forge: () => string | Promise<string>]>([
  ['alg none', () => `${part({ ...head, alg: 'none' })}.${payload}.`],
  ['alg nOnE', () => `${part({ ...head, alg: 'nOnE' })}.${payload}.`],
  [
    'alg none and the old signature',
    () => `${part({ ...head, alg: 'none' })}.${payload}.${signature}`,
  ],
  ['no signature', () => `${header}.${payload}.`],
  ['two parts', () => `${header}.${payload}`],
  ['HS256 with the public key as text', () => hmac('HS256', keys.signing.x)],
  ['HS256 with the public key as bytes', () => hmac('HS256', publicKey)],
  ['HS256 with the published JWK', () => hmac('HS256', JSON.stringify(keys.published[0]))],
  ['HS512 with an empty key', () => hmac('HS512', '')],
  ['another alg and the same key', () => resigned({}, { alg: 'Ed25519' })],
  [
    'a changed payload',
    () => `${header}.${part({ ...claims, role: 'superuser', id: 1 })}.${signature}`,
  ],
  ['a flipped bit in the signature', () => `${header}.${payload}.${flipped.toString('base64url')}`],
  ['a signature of zeros', () => `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`],
  ['five parts, like a JWE', () => `${user.access_token}.AAAA.AAAA`],
  ['a JWE encrypted to the published key', () => `${part(JWE)}..AAAA.${'A'.repeat(200)}.AAAA`],
  [
    'a signature by a key of the attacker',
    () => new SignJWT(claims).setProtectedHeader(head).sign(attacker.privateKey),
  ],
  ['no exp', () => resigned({ exp: undefined })],
  ['exp as a string', () => resigned({ exp: String(now() + 600) })],
  [
    'exp beyond all numbers',
    () => sign(head, JSON.stringify({ ...claims, exp: 7 }).replace(':7', ':1e999')),
  ],
  ['exp null', () => resigned({ exp: null })],
  ['iat of a year ago, and exp in the future', () => resigned({ iat: now() - 365 * 86400 })],
  ['iat more than five seconds in the future', () => resigned({ iat: now() + 30 })],
  ['exp more than five seconds ago', () => resigned({ exp: now() - 6 })],
  ['nbf more than five seconds in the future', () => resigned({ nbf: now() + 30 })],
  ['no nbf', () => resigned({ nbf: undefined })],
  ['nbf as a string', () => resigned({ nbf: String(now()) })],
  ['no iat', () => resigned({ iat: undefined })],
  ['no jti', () => resigned({ jti: undefined })],
  ['another issuer', () => resigned({ iss: 'urn:accounts:production' })],
  ['no issuer', () => resigned({ iss: undefined })],
  ['another audience', () => resigned({ aud: 'other-service' })],
  ['several audiences', () => resigned({ aud: ['users', 'admins'] })],
  ['no audience', () => resigned({ aud: undefined })],
  ['typ JWT', () => resigned({}, { typ: 'JWT' })],
  ['no typ', () => resigned({}, { typ: undefined })],
  ['an unknown critical header', () => resigned({}, { crit: ['x'], x: 1 })],
  ['an unencoded payload (b64)', () => resigned({}, { crit: ['b64'], b64: false })],
  ['the id of another user', () => resigned({ id: user.id + 1 })],
  ['the subject of another user', () => resigned({ sub: `user:${user.id + 1}` })],
  ['an id that is a string', () => resigned({ id: `${user.id}` })],
  ['a session id that is not a UUID', () => resigned({ sid: "' or 1=1 --" })],
  ['an unknown session id', () => resigned({ sid: crypto.randomUUID() })],
  ['an unknown role', () => resigned({ role: 'root' })],
  ['a payload that is a list', () => sign(head, JSON.stringify([claims]))],
  ['a payload that is null', () => sign(head, 'null')],
  ['a payload that is not JSON', () => sign(head, '{"exp":')],
])('12 (RFC 8725): GET /api/users/me is 401 for a token with %s', async (_, forge) => {
  expectUnauthenticated(await getMe(await forge()))
})

test.each([
  ['kid with a path', { kid: '../../../../dev/null' }],
  ['kid with SQL', { kid: "x' union select 'AAAA" }],
  ['kid __proto__', { kid: '__proto__' }],
  ['kid with a URL', { kid: 'https://evil.example.com/key' }],
  ['jku', { jku: 'https://evil.example.com/jwks.json', kid: 'evil' }],
  ['x5u', { x5u: 'https://evil.example.com/cert.pem', kid: 'evil' }],
  ['jwk', { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }, kid: 'evil' }],
])(
  '12 (RFC 8725, 3.10): a token with the header %s is 401, and nothing is fetched',
  async (_, changed) => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    expectUnauthenticated(await getMe(await resigned({}, changed)))
    expect(fetched).not.toHaveBeenCalled()
  },
)

test('12 (RFC 8725, 3.10): next to a valid kid, jku and x5u are ignored', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch')
  const urls = { jku: 'https://evil.example.com/jwks.json', x5u: 'file:///x' }
  expect((await getMe(await resigned({}, urls))).status).toBe(200)
  expect(fetched.mock.calls.filter(([to]) => String(to).includes('evil'))).toEqual([])
})

test('12: tokens are valid while their signing key is configured, also as an older one, and 401 afterwards', async () => {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  const next = { ...(await exportJWK(privateKey)), kid: 'next' }
  const callWith = (signingKeys: unknown[]) => {
    const env = environment({ JWT_SIGNING_KEYS: JSON.stringify({ keys: signingKeys }) })
    return getMe(user.access_token, { client: visitor({ env }) })
  }
  expect((await callWith([next, keys.signing])).status).toBe(200)
  expectUnauthenticated(await callWith([next]))
})

test('13: a refresh or reset token is 401 as an access token', async () => {
  for (const token of [user.refresh_token, admin.refresh_token, await resetTokenOf(user.id)]) {
    expectUnauthenticated(await getMe(token))
    expectUnauthenticated(await getMe(token, { type: 'admins' }))
  }
})

test('13: an access token, a reset token and a token of the other account type are 401 as a refresh token', async () => {
  const both = [user.access_token, admin.access_token, await resetTokenOf(user.id)]
  for (const [type, foreign] of [
    ['users', admin.refresh_token],
    ['admins', user.refresh_token],
  ] as const) {
    for (const token of [...both, foreign]) {
      expectUnauthenticated(await refresh(token, { type }), 'Invalid or expired refresh token')
    }
  }
})

test('13: a user’s refresh token at the admins’ logout ends no session', async () => {
  const { refresh_token } = user
  expect((await visitor().post('/api/admins/logout', { refresh_token })).status).toBe(204)
  expect((await getMe(user.access_token)).status).toBe(200)
})

test('13 (CVE-2026-25574): user 1 and admin 1, of the same name and email, cannot log in or call the API as each other', async () => {
  const env = environment({ DATABASE_URL: await emptyDatabase() })
  const client = visitor({ env })
  const { id, username, email, access_token } = await registerUser(client)
  const password = 'a password of the admin'
  const registered = await client.post(
    '/api/admins/register',
    { username, email, password },
    { headers: { 'X-Bootstrap-Token': `${env.ADMIN_BOOTSTRAP_TOKEN}` } },
  )
  expect([id, registered.body.id]).toEqual([1, 1])
  expect((await login(username, PASSWORD, { type: 'admins', client })).status).toBe(401)
  expect((await login(username, password, { type: 'users', client })).status).toBe(401)
  const { body: tokens } = await login(username, password, { type: 'admins', client })

  const asAdmin = (token: string) => getMe(token, { type: 'admins', client })
  expectError(await asAdmin(access_token), 403, 'AuthorizationError')
  expectError(await getMe(tokens.access_token, { client }), 403, 'AuthorizationError')
  const promoted = (aud: string) =>
    resign(access_token, { aud, sub: 'admin:1', role: 'superadmin' })
  expectUnauthenticated(await asAdmin(await promoted('admins')))
  expectUnauthenticated(await asAdmin(await promoted('users')))
  const list = await client.get('/api/admins/users', { token: await promoted('admins') })
  expectUnauthenticated(list)
})

test.each([
  ['none', undefined],
  ['empty', ''],
  ['Basic', 'Basic YWRtaW46YWRtaW4='],
  ['a scheme alone', 'Bearer'],
  ['a scheme and spaces', 'Bearer      '],
  ['two tokens', 'Bearer TOKEN TOKEN'],
  ['two tokens, joined as two headers are', 'Bearer TOKEN, Bearer TOKEN'],
  ['a token and a comma', 'Bearer TOKEN,'],
  ['a token without a scheme', 'TOKEN'],
  ['another scheme', 'Token TOKEN'],
  ['a doubled scheme', 'Bearer Bearer TOKEN'],
  ['a quoted token', 'Bearer "TOKEN"'],
  ['a tab for the space', 'Bearer\tTOKEN'],
  ['letters beyond ASCII', 'Bearer tökén'],
  ['8 KB', `Bearer ${'a'.repeat(8 * 1024)}`],
  ['a valid token followed by 8 KB', `Bearer TOKEN${'='.repeat(8 * 1024)}`],
  ['8 KB of dots', `Bearer ${'.'.repeat(8 * 1024)}`],
])('14: Authorization that is %s is 401, never 500', async (_, value) => {
  const Authorization = value?.replaceAll('TOKEN', user.access_token)
  const headers: Record<string, string> = Authorization === undefined ? {} : { Authorization }
  for (const path of ['/api/users/me', '/api/admins/users', '/api/users/me/sessions']) {
    expectUnauthenticated(await visitor().get(path, { headers }))
  }
})

test('14 (RFC 9110, 11.1): the scheme Bearer is case-insensitive', async () => {
  const headers = { Authorization: `bEARER  ${user.access_token}` }
  expect((await visitor().get('/api/users/me', { headers })).status).toBe(200)
})
