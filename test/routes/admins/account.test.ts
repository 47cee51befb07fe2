import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { logIn, mailsTo, newAdmin, newUser, PASSWORD } from '../../setup/accounts.ts'
import { expectError } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import {
  adminRead,
  expectInvalid,
  expectUnauthenticated,
  MOMENT,
  TOKEN_PAIR,
} from '../../setup/shapes.ts'

test('POST /api/admins/login answers a pair for username or email, and the role', async () => {
  const { caller, id, email, password } = await newAdmin()
  for (const who of [{ username: email }, { email: email.toUpperCase() }]) {
    const { status, body } = await caller.post('/api/admins/login', { ...who, password })
    expect(status).toBe(200)
    expect(body).toEqual(TOKEN_PAIR)
    const claims = decodeJwt(body.access_token)
    expect(claims).toMatchObject({ id, role: 'admin', aud: 'admins', sub: `admin:${id}` })
  }
  const { access_token } = await newAdmin({ superadmin: true })
  expect(decodeJwt(access_token)['role']).toBe('superadmin')
})

test('POST /api/admins/login answers 401 for wrong, unknown and a user, 422 with neither name', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const login = (body: unknown) => admin.caller.post('/api/admins/login', body)
  for (const body of [
    { username: admin.username, password: 'wrong' },
    { username: 'nobody', password: PASSWORD },
    { username: user.username, password: user.password },
  ]) {
    expectUnauthenticated(await login(body), 'Invalid username or password')
  }
  expectInvalid(await login({ password: PASSWORD }), 'username')
  expectInvalid(await login({ email: admin.email }), 'password')
})

test('GET /api/admins/me answers an AdminRead; 403 for a user, 401 for none or disabled', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const { caller, id, username, email, access_token } = admin
  const me = (token?: string) => caller.get('/api/admins/me', { token })
  const { status, body } = await me(access_token)
  expect(status).toBe(200)
  expect(body).toEqual(adminRead({ id, username, email }))
  expectUnauthenticated(await me())
  expectError(
    await me(user.access_token),
    403,
    'AuthorizationError',
    'This needs the token of an admin',
  )
  await sql('update admins set is_active = false where id = $1', [id])
  expectUnauthenticated(await me(access_token))
})

test('POST /api/admins/refresh rotates, ends the session at reuse, and takes no user’s token', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const refresh = (refresh_token: string) =>
    admin.caller.post('/api/admins/refresh', { refresh_token })
  const refused = 'Invalid or expired refresh token'
  const second = await refresh(admin.refresh_token)
  expect(second.status).toBe(200)
  expect(second.body).toEqual(TOKEN_PAIR)
  expectUnauthenticated(await refresh(user.refresh_token), refused)
  expectInvalid(await admin.caller.post('/api/admins/refresh', {}), 'refresh_token')

  await refresh(second.body.refresh_token)
  expectUnauthenticated(await refresh(admin.refresh_token), refused)
  const token = second.body.access_token
  expectUnauthenticated(await admin.caller.get('/api/admins/me', { token }))
})

test('POST /api/admins/logout answers 204 and ends the session', async () => {
  const { caller, refresh_token, access_token: token } = await newAdmin()
  const logout = () => caller.post('/api/admins/logout', { refresh_token })
  expect(await logout()).toMatchObject({ status: 204, text: '' })
  expectUnauthenticated(await caller.get('/api/admins/me', { token }))
  expect((await logout()).status).toBe(204)
  expectInvalid(await caller.post('/api/admins/logout', {}), 'refresh_token')
})

test('POST /api/admins/change-password ends other sessions and mails a notice; 401, 400 and 422 in words', async () => {
  const { caller, username, email, password, access_token: token } = await newAdmin()
  const elsewhere = await logIn(caller, username, { kind: 'admins' })
  const change = (current_password: string, new_password: string) =>
    caller.post('/api/admins/change-password', { current_password, new_password }, { token })

  expectUnauthenticated(await change('wrong', 'another horse'), 'Current password is incorrect')
  const same = await change(password, password)
  const differ = 'New password must be different from current password'
  expectError(same, 400, 'BusinessLogicError', differ)
  expectInvalid(await change(password, 'short'), 'new_password')

  const changed = await change(password, 'another horse')
  expect(changed.status).toBe(200)
  expect(changed.body).toEqual({ message: 'Password changed successfully' })
  expect((await caller.get('/api/admins/me', { token })).status).toBe(200)
  expectUnauthenticated(await caller.get('/api/admins/me', { token: elsewhere.access_token }))
  await logIn(caller, username, { kind: 'admins', password: 'another horse' })
  const [mail] = await mailsTo(email)
  expect(mail?.subject).toBe('Your ADL Production password was changed')
})

test('/api/admins/me/sessions lists, revokes one, revokes all others', async () => {
  const { caller, username, access_token: token } = await newAdmin()
  const [second, third] = [
    await logIn(caller, username, { kind: 'admins' }),
    await logIn(caller, username, { kind: 'admins' }),
  ]
  const list = async () => (await caller.get('/api/admins/me/sessions', { token })).body
  const sessions = await list()
  const sid = (accessToken: string) => String(decodeJwt(accessToken)['sid'])
  expect(sessions[2]).toEqual({
    ...{ id: sid(token), device: null, place: null, current: true },
    ...{ created_at: MOMENT, last_used_at: MOMENT, expires_at: MOMENT },
  })
  expect(sessions).toHaveLength(3)

  const revoke = (id: string) =>
    caller.delete(`/api/admins/me/sessions/${id}`, undefined, { token })
  expect((await revoke(sid(second.access_token))).status).toBe(204)
  expectUnauthenticated(await caller.get('/api/admins/me', { token: second.access_token }))
  expectError(await revoke(sid(second.access_token)), 404, 'NotFoundError', 'No such session')
  expectInvalid(await revoke('x'), 'id')

  const others = await caller.delete('/api/admins/me/sessions', undefined, { token })
  expect(others).toMatchObject({ status: 204, text: '' })
  expectUnauthenticated(await caller.get('/api/admins/me', { token: third.access_token }))
  expect(await list()).toHaveLength(1)
})
