import { createHmac } from 'node:crypto'
import {
  decodeJwt,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { newAdmin, newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { emptyDatabase } from '../setup/database.ts'
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

const signingKey = await importJWK(keys.signing as JWK, 'EdDSA')

/** This header and payload under our real key: what a bug or another program of ours could sign. */
async function sealed(header: unknown, payload: string) {
  const text = `${part(header)}.${Buffer.from(payload).toString('base64url')}`
  const signature = await crypto.subtle.sign('Ed25519', signingKey as CryptoKey, Buffer.from(text))
  return `${text}.${Buffer.from(signature).toString('base64url')}`
}

/** A genuine token but for these claims and header fields; `undefined` leaves one out. */
const signed = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
  sealed({ ...genuine().head, ...header }, JSON.stringify({ ...genuine().claims, ...claims }))

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

  test('13 (CVE-2026-25574): user 1 and admin 1, of one name and email, are nobody to each other', async () => {
    const env = environment({ DATABASE_URL: await emptyDatabase() })
    const caller = visitor({ env })
    const one = await newUser(caller)
    const { username, email } = one
    const registered = await caller.post(
      '/api/admins/register',
      { username, email, password: 'a password of the admin' },
      { headers: { 'X-Bootstrap-Token': `${env.ADMIN_BOOTSTRAP_TOKEN}` } },
    )
    expect([one.id, registered.body.id]).toEqual([1, 1])
    const login = (kind: 'users' | 'admins', password: string) =>
      caller.post(`/api/${kind}/login`, { username, password })
    expect((await login('admins', PASSWORD)).status).toBe(401)
    expect((await login('users', 'a password of the admin')).status).toBe(401)
    const { body: tokens } = await login('admins', 'a password of the admin')

    const at = (path: string, token: string) => caller.get(path, { token })
    expectError(await at('/api/admins/me', one.access_token), 403, 'AuthorizationError')
    expectError(await at('/api/users/me', tokens.access_token), 403, 'AuthorizationError')
    const sid = decodeJwt(one.access_token)['sid']
    const promoted = { aud: 'admins', sub: 'admin:1', id: 1, sid, role: 'superadmin' }
    expectUnauthenticated(await at('/api/admins/me', await signed(promoted)))
    expectUnauthenticated(await at('/api/admins/users', await signed(promoted)))
    expectUnauthenticated(await at('/api/admins/me', await signed({ ...promoted, aud: 'users' })))
  })
})

test.each([
  ['none', undefined],
  ['empty', ''],
  ['Basic', 'Basic YWRtaW46YWRtaW4='],
  ['a scheme alone', 'Bearer'],
  ['a scheme and spaces', 'Bearer      '],
  ['two tokens', 'Bearer TOKEN TOKEN'],
  ['two tokens, joined as two headers are', 'Bearer TOKEN, Bearer TOKEN'],
  ['a token and its comma', 'Bearer TOKEN,'],
  ['no scheme', 'TOKEN'],
  ['another scheme', 'Token TOKEN'],
  ['a doubled scheme', 'Bearer Bearer TOKEN'],
  ['quotes', 'Bearer "TOKEN"'],
  ['a tab for the space', 'Bearer\tTOKEN'],
  ['letters beyond ASCII', 'Bearer tökén'],
  ['8 KB', `Bearer ${'a'.repeat(8 * 1024)}`],
  ['a good token with 8 KB behind it', `Bearer TOKEN${'='.repeat(8 * 1024)}`],
  ['8 KB of dots', `Bearer ${'.'.repeat(8 * 1024)}`],
])('14: Authorization that is %s answers 401, never 500', async (_, value) => {
  const headers = value === undefined ? {} : { Authorization: fill(value) }
  for (const path of ['/api/users/me', '/api/admins/users', '/api/users/me/sessions']) {
    expectUnauthenticated(await visitor().get(path, { headers }))
  }
})

const fill = (value: string) => value.replaceAll('TOKEN', user.access_token)

test('14 (RFC 9110, 11.1): the scheme is Bearer in any case', async () => {
  const headers = { Authorization: fill('bEARER  TOKEN') }
  expect((await visitor().get('/api/users/me', { headers })).status).toBe(200)
})

const KEY = `{"kty":"OKP","crv":"Ed25519","kid":"a","x":"${'A'.repeat(43)}","d":"${'A'.repeat(43)}"}`

test.each([
  ['SECRET_KEY', ''],
  ['SECRET_KEY', 'too short a secret of ours'],
  ['SECRET_KEY', 'a'.repeat(64)],
  ['SECRET_KEY', 'abcdefgh'.repeat(8)],
  ['SECRET_KEY', 'changeme-Zk3v9Qe1Lx7Rt5Yp0Wm2Nb8Hc4Jd6Fs'],
  ['SECRET_KEY', 'your-secret-key-here-keep-it-very-secret-1234'],
  ['JWT_SIGNING_KEYS', ''],
  ['JWT_SIGNING_KEYS', 'Zk3v9Qe1Lx7Rt5Yp0Wm2Nb8Hc4Jd6Fs'],
  ['JWT_SIGNING_KEYS', '{"keys":[]}'],
  ['JWT_SIGNING_KEYS', '{"keys":[{"kty":"oct","k":"Zk3v9Qe1Lx7Rt5Yp0Wm2Nb8Hc4Jd6Fs","kid":"a"}]}'],
  ['JWT_SIGNING_KEYS', `{"keys":[${KEY},${KEY}]}`],
  ['ADMIN_BOOTSTRAP_TOKEN', 'Zk3v9Qe1Lx7'],
  ['ADMIN_BOOTSTRAP_TOKEN', 'changeme-changeme-changeme'],
] as const)(
  '15: %s of %j starts nothing: 503 on all but /health/live, the log names it, never its value',
  async (name, value) => {
    const lines = vi.spyOn(console, 'log')
    const caller = visitor({ env: environment({ [name]: value }) })
    const paths = ['/', '/docs', '/openapi.json', '/.well-known/jwks.json', '/api/users/me']
    for (const path of [...paths, '/health']) {
      const { status, text } = await caller.get(path, { token: user.access_token })
      expect(status, path).toBe(503)
      if (value) expect(text).not.toContain(value)
    }
    const credentials = { username: user.username, password: user.password }
    const login = await caller.post('/api/users/login', credentials)
    expectError(login, 503, 'ServiceUnavailableError', 'The service is not configured')
    expect((await caller.get('/health/live')).status).toBe(200)

    const logged = lines.mock.calls.map(([line]) => String(line))
    const told = logged.filter((line) => line.includes('configuration_invalid'))
    expect(told).toHaveLength(1)
    expect(told[0]).toContain(name)
    if (value) expect(logged.join('\n')).not.toContain(value)
  },
)
