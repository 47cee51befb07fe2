import { expect, test } from 'vitest'
import { logIn, newAdmin, newUser } from '../../setup/accounts.ts'
import { expectError } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid, expectUnauthenticated, userRead } from '../../setup/shapes.ts'

const path = (id: number | string) => `/api/admins/users/${id}`

test('GET /api/admins/users/{id} answers the user, a deleted one too', async () => {
  const [{ caller, access_token: token }, user] = [await newAdmin(), await newUser()]
  const { id, username, email } = user
  const read = await caller.get(path(id), { token })
  expect(read.status).toBe(200)
  expect(read.body).toEqual(userRead({ id, username, email }))
  await sql('update users set deleted_at = now() where id = $1', [id])
  expect((await caller.get(path(id), { token })).body).toEqual(read.body)
})

test('PATCH /api/admins/users/{id} sets what is given; disabling signs out at once', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const patch = (body: unknown) =>
    admin.caller.patch(path(user.id), body, { token: admin.access_token })
  const me = (token: string) => user.caller.get('/api/users/me', { token })

  const named = await patch({ full_name: 'Ada Lovelace' })
  expect(named.status).toBe(200)
  const { id, username, email } = user
  expect(named.body).toEqual(userRead({ id, username, email, full_name: 'Ada Lovelace' }))
  expect((await me(user.access_token)).status).toBe(200)

  const disabled = await patch({ is_active: false })
  expect(disabled.body).toMatchObject({ is_active: false, full_name: 'Ada Lovelace' })
  expectUnauthenticated(await me(user.access_token))
  await expect(logIn(user.caller, username)).rejects.toThrow('Invalid username or password')

  expect((await patch({ is_active: true, full_name: null })).body).toMatchObject({
    is_active: true,
    full_name: null,
  })
  expectUnauthenticated(await me(user.access_token))
  await logIn(user.caller, username)
})

test('PATCH /api/admins/users/{id} lets superadmins alone set is_superuser; demoting signs out', async () => {
  const [admin, superadmin, user] = [
    await newAdmin(),
    await newAdmin({ superadmin: true }),
    await newUser(),
  ]
  const refused = await admin.caller.patch(
    path(user.id),
    { is_superuser: true, full_name: 'Not kept' },
    { token: admin.access_token },
  )
  expectError(refused, 403, 'AuthorizationError', 'Only a superadmin may set is_superuser')
  const patch = (is_superuser: boolean) =>
    superadmin.caller.patch(path(user.id), { is_superuser }, { token: superadmin.access_token })
  const promoted = await patch(true)
  expect(promoted.body).toMatchObject({ is_superuser: true, full_name: null })
  const me = () => user.caller.get('/api/users/me', { token: user.access_token })
  expect((await me()).body.is_superuser).toBe(true)
  expect((await patch(false)).body.is_superuser).toBe(false)
  expectUnauthenticated(await me())
})

test('DELETE and restore: a user is out at once, out of the list, and comes back signed out', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const { caller, access_token: token } = admin
  const remove = () => caller.delete(path(user.id), undefined, { token })
  const listed = async (query: string) => {
    const { body } = await caller.get(`/api/admins/users?search=${user.username}${query}`, {
      token,
    })
    return body.total
  }
  expect(await remove()).toMatchObject({ status: 204, text: '' })
  expectError(await remove(), 404, 'NotFoundError', 'User not found')
  expectUnauthenticated(await user.caller.get('/api/users/me', { token: user.access_token }))
  await expect(logIn(user.caller, user.username)).rejects.toThrow('Invalid username or password')
  expect([await listed(''), await listed('&deleted=true')]).toEqual([0, 1])
  const patched = await caller.patch(path(user.id), { full_name: 'x' }, { token })
  expectError(patched, 404, 'NotFoundError', 'User not found')

  const restored = await caller.post(`${path(user.id)}/restore`, undefined, { token })
  expect(restored.status).toBe(200)
  const { id, username, email } = user
  expect(restored.body).toEqual(userRead({ id, username, email }))
  expectUnauthenticated(await user.caller.get('/api/users/me', { token: user.access_token }))
  expect([await listed(''), await listed('&deleted=true')]).toEqual([1, 0])
  await logIn(user.caller, username)
})

test('DELETE /api/admins/users/{id}/sessions signs a user out everywhere', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const second = await logIn(user.caller, user.username)
  const answer = await admin.caller.delete(`${path(user.id)}/sessions`, undefined, {
    token: admin.access_token,
  })
  expect(answer).toMatchObject({ status: 204, text: '' })
  for (const { access_token: token, refresh_token } of [user, second]) {
    expectUnauthenticated(await user.caller.get('/api/users/me', { token }))
    const refreshed = await user.caller.post('/api/users/refresh', { refresh_token })
    expectUnauthenticated(refreshed, 'Invalid or expired refresh token')
  }
  await logIn(user.caller, user.username)
})

test('every act of an admin on a user stands in the audit trail', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const { caller, access_token: token } = admin
  await caller.patch(path(user.id), { full_name: 'Ada' }, { token })
  await caller.delete(`${path(user.id)}/sessions`, undefined, { token })
  await caller.delete(path(user.id), undefined, { token })
  await caller.post(`${path(user.id)}/restore`, undefined, { token })
  const events = await sql<{ action: string }>(
    `select action from audit_events
     where actor_kind = 'admin' and actor_id = $1 and target_kind = 'user' and target_id = $2
     order by id`,
    [admin.id, user.id],
  )
  expect(events.map(({ action }) => action)).toEqual([
    'user_updated',
    'user_sessions_revoked',
    'user_deleted',
    'user_restored',
  ])
})

test('/api/admins/users/{id} answers 404 for no such user, 422 for no id, 401 when signed out', async () => {
  const { caller, access_token: token, refresh_token } = await newAdmin()
  const calls = (id: string) => [
    caller.get(path(id), { token }),
    caller.patch(path(id), {}, { token }),
    caller.delete(path(id), undefined, { token }),
    caller.post(`${path(id)}/restore`, undefined, { token }),
    caller.delete(`${path(id)}/sessions`, undefined, { token }),
  ]
  for (const answer of await Promise.all(calls('2147483647'))) {
    expectError(answer, 404, 'NotFoundError', 'User not found')
  }
  for (const id of ['0', 'me', '1.5', '2147483648', '-1']) {
    for (const answer of await Promise.all(calls(id))) expectInvalid(answer, 'id')
  }
  const bad = await caller.patch(path(1), { is_active: 'no', is_superuser: 1 }, { token })
  expectInvalid(bad, 'is_active', 'is_superuser')
  await caller.post('/api/admins/logout', { refresh_token })
  for (const answer of await Promise.all(calls('2147483647'))) expectUnauthenticated(answer)
})
