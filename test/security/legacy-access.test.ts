/** Access tokens of the former service: what they open, and until when. */
import { afterEach, expect, test, vi } from 'vitest'
import { newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import {
  accepting,
  adoptedAdmin,
  adoptedUser,
  client,
  dayIn,
  LEFT,
  LEGACY_SECRET,
  legacyToken,
  returnedUser,
  seconds,
  signLegacy,
} from '../setup/legacy.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'
import { resourcesOf } from './attack.ts'
import { changePassword, getMe, login } from './calls.ts'
import { listen } from './captured-log.ts'

afterEach(() => vi.restoreAllMocks())

const me = (token: string) => getMe(token, { client: client() })
const adminMe = (token: string) => getMe(token, { type: 'admins', client: client() })
const accessOf = (id: number, role?: Parameters<typeof legacyToken>[2]) =>
  legacyToken(id, LEFT.access, role)

test('12: the access token of an adopted user works, and each use is logged with the account', async () => {
  const { id, username } = await adoptedUser()
  const output = listen()
  const response = await me(accessOf(id))
  expect(response.status).toBe(200)
  expect(response.body).toMatchObject({ id, username })
  const used = output.lines().filter(({ event }) => event === 'legacy_access_token_used')
  const request_id = response.headers.get('X-Request-ID')
  expect(used).toEqual([expect.objectContaining({ level: 'info', kind: 'user', id, request_id })])
})

test('21: rights come from the row of the account, whatever role the token names', async () => {
  const { id } = await adoptedUser()
  expect((await me(accessOf(id, 'superuser'))).body).toMatchObject({ is_superuser: false })
  const [plain, superadmin] = [await adoptedAdmin(), await adoptedAdmin(true)]
  const audit = (token: string) => client().get('/api/admins/audit', { token })
  expectError(await audit(accessOf(plain.id, 'superadmin')), 403, 'AuthorizationError')
  expect((await audit(accessOf(superadmin.id, 'admin'))).status).toBe(200)
})

test('13: a user’s access token is 403 for admins, an admin’s for users, as the new ones are', async () => {
  const [user, admin] = [await adoptedUser(), await adoptedAdmin()]
  expectError(await adminMe(accessOf(user.id, 'superuser')), 403, 'AuthorizationError')
  expectError(await me(accessOf(admin.id, 'superadmin')), 403, 'AuthorizationError')
  expect((await adminMe(accessOf(admin.id, 'admin'))).status).toBe(200)
})

test('13: without LEGACY_SECRET_KEY, or once LEGACY_UNTIL is over, the 401 is that of any wrong token', async () => {
  const { id } = await adoptedUser()
  const off = environment()
  const over = environment({ LEGACY_SECRET_KEY: LEGACY_SECRET, LEGACY_UNTIL: dayIn(-1) })
  for (const env of [off, over]) {
    const call = async (token: string) => {
      const { status, headers, body } = await getMe(token, { client: visitor({ env }) })
      const { request_id, timestamp, ...rest } = body
      expect([request_id, timestamp]).toEqual([expect.any(String), expect.any(String)])
      return { status, body: rest, names: [...headers.keys()].toSorted() }
    }
    expect(await call(accessOf(id))).toEqual(await call('garbage'))
    expect((await call(accessOf(id))).status).toBe(401)
  }
  const lastDay = environment({ LEGACY_SECRET_KEY: LEGACY_SECRET, LEGACY_UNTIL: dayIn(0) })
  expect((await getMe(accessOf(id), { client: visitor({ env: lastDay }) })).status).toBe(200)
})

test('13: a new token signed with the old secret is 401, and a new one needs its session', async () => {
  const { id, access_token } = await returnedUser()
  const [head = '', payload = ''] = access_token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const header = JSON.parse(Buffer.from(head, 'base64url').toString())
  for (const forged of [
    signLegacy(claims, { header: { ...header, alg: 'HS256' } }),
    signLegacy(claims, { header }),
    signLegacy(claims),
    signLegacy({ ...claims, id, role: 'user', exp: seconds(LEFT.access) }),
  ]) {
    expectUnauthenticated(await me(forged))
  }
  const { signAccessToken } = await import('../../src/tokens/access.ts')
  const { keys, config } = resourcesOf(accepting)
  const sign = (sessionId: string) =>
    signAccessToken(
      { kind: 'user', accountId: id, role: 'user', sessionId },
      { keys, issuer: config.issuer, now: Date.now(), ttl: 60 },
    )
  for (const sessionId of ['00000000-0000-0000-0000-000000000000', crypto.randomUUID()]) {
    expectUnauthenticated(await me(await sign(sessionId)))
  }
})

const NO_LONGER: [what: string, set: string][] = [
  ['was made here: the former service gave its id to somebody else', 'adopted_at = null'],
  ['is disabled', 'is_active = false'],
  ['is deleted', 'deleted_at = now()'],
  ['has changed its password', 'password_version = 1'],
  ['was signed out, or demoted', 'session_epoch = 1'],
]

test.each(NO_LONGER)('10: an access token is 401 if the account %s', async (_, set) => {
  const [user, admin] = [await adoptedUser(), await adoptedAdmin()]
  expect((await me(accessOf(user.id))).status).toBe(200)
  expect((await adminMe(accessOf(admin.id, 'admin'))).status).toBe(200)
  await sql(`update users set ${set} where id = $1`, [user.id])
  await sql(`update admins set ${set} where id = $1`, [admin.id])
  expectUnauthenticated(await me(accessOf(user.id)))
  expectUnauthenticated(await adminMe(accessOf(admin.id, 'admin')))
})

test('10: an access token of an account that does not exist is 401, also on endpoints that write', async () => {
  const token = accessOf(2_147_483_647)
  expectUnauthenticated(await me(token))
  expectUnauthenticated(await client().put('/api/users/me', { full_name: 'Ada' }, { token }))
  expectUnauthenticated(await client().delete('/api/users/me/sessions', undefined, { token }))
})

test('10: acts of an admin end it: disabled and enabled, deleted and restored, promoted and demoted, signed out, erased', async () => {
  const by = await adoptedAdmin(true)
  const token = accessOf(by.id, 'superadmin')
  const acts: ((path: string) => Promise<unknown>)[] = [
    async (path) => {
      await client().patch(path, { is_active: false }, { token })
      await client().patch(path, { is_active: true }, { token })
    },
    async (path) => {
      await client().delete(path, undefined, { token })
      await client().post(`${path}/restore`, undefined, { token })
    },
    async (path) => {
      await client().patch(path, { is_superuser: true }, { token })
      await client().patch(path, { is_superuser: false }, { token })
    },
    (path) => client().delete(`${path}/sessions`, undefined, { token }),
    async (path) => {
      await client().delete(path, undefined, { token })
      await client().delete(`${path}?erase=true`, undefined, { token })
    },
  ]
  for (const act of acts) {
    const { id } = await adoptedUser()
    expect((await me(accessOf(id))).status).toBe(200)
    await act(`/api/admins/users/${id}`)
    expectUnauthenticated(await me(accessOf(id)))
  }
})

test('10: changing the password with an old access token ends old tokens and all sessions: the new password logs in', async () => {
  const user = await returnedUser()
  const token = accessOf(user.id)
  const changed = await changePassword(token, PASSWORD, 'a new long password', {
    client: client(),
  })
  expect(changed.status).toBe(200)
  expectUnauthenticated(await me(token))
  expectUnauthenticated(await me(user.access_token))
  expect((await login(user.username, 'a new long password')).status).toBe(200)
})

test('10: an old access token is no session: it lists and ends those there are, and ending all others ends old tokens', async () => {
  const user = await returnedUser()
  const other = await login(user.username, PASSWORD, { client: client() })
  const token = accessOf(user.id)
  const { body: sessions } = await client().get('/api/users/me/sessions', { token })
  expect(sessions).toHaveLength(2)
  expect(sessions.filter(({ current }: { current: boolean }) => current)).toEqual([])

  const end = (id: string) => client().delete(`/api/users/me/sessions/${id}`, undefined, { token })
  expect((await end('00000000-0000-0000-0000-000000000000')).status).toBe(404)
  expect((await end(sessions[0].id)).status).toBe(204)
  expect((await client().get('/api/users/me/sessions', { token })).body).toHaveLength(1)
  const ended = await client().delete('/api/users/me/sessions', undefined, { token })
  expect(ended.status).toBe(204)
  for (const each of [token, user.access_token, other.body.access_token]) {
    expectUnauthenticated(await me(each))
  }
})

test('20: with an old access token, a user updates, exports and deletes the account; an admin lists and registers', async () => {
  const user = await adoptedUser()
  const token = accessOf(user.id)
  expect((await client().put('/api/users/me', { full_name: 'Ada' }, { token })).status).toBe(200)
  expect((await client().get('/api/users/me/export', { token })).status).toBe(200)
  const gone = await client().delete('/api/users/me', { password: PASSWORD }, { token })
  expect(gone.status).toBe(204)
  expectUnauthenticated(await me(token))

  const admin = await adoptedAdmin(true)
  const asAdmin = { token: accessOf(admin.id, 'superadmin') }
  expect((await client().get('/api/admins/users', asAdmin)).status).toBe(200)
  const fields = { username: `new-${admin.id}`, email: `new-${admin.id}@example.com` }
  const made = await client().post(
    '/api/admins/register',
    { ...fields, password: PASSWORD },
    asAdmin,
  )
  expect(made.status).toBe(201)
})

test('an account made here under an id of the former service is not opened by that id’s token', async () => {
  const { id } = await newUser()
  expectUnauthenticated(await me(accessOf(id)))
  expectUnauthenticated(await me(accessOf(id, 'superuser')))
})

test('with the database down, an old access token is 503, never 401', async () => {
  const { id } = await adoptedUser()
  const env = { ...accepting, NEON_HTTP_URL: 'http://127.0.0.1:9' }
  const response = await getMe(accessOf(id), { client: visitor({ env }) })
  expectError(response, 503, 'DatabaseError')
})
