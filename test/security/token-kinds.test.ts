import { beforeAll, expect, test } from 'vitest'
import { newAdmin, PASSWORD, registerUser } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { emptyDatabase } from '../setup/database.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'
import { openReset } from './attack.ts'
import { resigned } from './forged-token.ts'

let user: Awaited<ReturnType<typeof registerUser>>
let admin: Awaited<ReturnType<typeof newAdmin>>
beforeAll(async () => {
  user = await registerUser()
  admin = await newAdmin({ superadmin: true })
})

const me = (token: string) => visitor().get('/api/users/me', { token })

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
  const one = await registerUser(caller)
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
  const promoted = (aud: string) =>
    resigned(one.access_token, { aud, sub: 'admin:1', role: 'superadmin' })
  expectUnauthenticated(await at('/api/admins/me', await promoted('admins')))
  expectUnauthenticated(await at('/api/admins/users', await promoted('admins')))
  expectUnauthenticated(await at('/api/admins/me', await promoted('users')))
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
