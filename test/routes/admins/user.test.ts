import { expect, test } from 'vitest'
import { logIn, newAdmin, newUser } from '../../setup/accounts.ts'
import { expectError } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import {
  expectInvalid,
  expectResponse,
  expectUnauthenticated,
  userRead,
} from '../../setup/shapes.ts'

/** What an admin can do to the user with this id. */
function actionsOn(
  id: number | string,
  { caller, access_token: token }: Awaited<ReturnType<typeof newAdmin>>,
) {
  const path = `/api/admins/users/${id}`
  return {
    read: () => caller.get(path, { token }),
    patch: (body: unknown) => caller.patch(path, body, { token }),
    remove: () => caller.delete(path, undefined, { token }),
    restore: () => caller.post(`${path}/restore`, undefined, { token }),
    endSessions: () => caller.delete(`${path}/sessions`, undefined, { token }),
  }
}

async function adminAndUser() {
  const [admin, user] = [await newAdmin(), await newUser()]
  const me = () => user.caller.get('/api/users/me', { token: user.access_token })
  const { id, username, email } = user
  const names = { id, username, email }
  return { admin, user, names, me, ...actionsOn(id, admin) }
}

test('GET /api/admins/users/{id} returns the user, also a deleted one', async () => {
  const { names, read } = await adminAndUser()
  const before = await read()
  expectResponse(before, 200, userRead(names))
  await sql('update users set deleted_at = now() where id = $1', [names.id])
  expectResponse(await read(), 200, before.body)
})

test('PATCH /api/admins/users/{id} changes the fields in the body; disabling ends all sessions', async () => {
  const { user, names, me, patch } = await adminAndUser()
  const full_name = 'Ada Lovelace'
  expectResponse(await patch({ full_name }), 200, userRead({ ...names, full_name }))
  expect((await me()).status).toBe(200)

  expect((await patch({ is_active: false })).body).toMatchObject({ is_active: false, full_name })
  expectUnauthenticated(await me())
  await expect(logIn(user.caller, user.username)).rejects.toThrow('Invalid username or password')

  expectResponse(await patch({ is_active: true, full_name: null }), 200, userRead(names))
  expectUnauthenticated(await me())
  await logIn(user.caller, user.username)
})

test('PATCH /api/admins/users/{id} lets only superadmins set is_superuser; demotion ends all sessions', async () => {
  const { user, me, patch } = await adminAndUser()
  const rejected = await patch({ is_superuser: true, full_name: 'Not kept' })
  expectError(rejected, 403, 'AuthorizationError', 'Only a superadmin may set is_superuser')

  const superadmin = actionsOn(user.id, await newAdmin({ superadmin: true }))
  const { body } = await superadmin.patch({ is_superuser: true })
  expect(body).toMatchObject({ is_superuser: true, full_name: null })
  expect((await me()).body.is_superuser).toBe(true)
  expect((await superadmin.patch({ is_superuser: false })).body.is_superuser).toBe(false)
  expectUnauthenticated(await me())
})

test('PATCH and restore that change nothing return 200 with the user as it was', async () => {
  const { user, me, patch, restore } = await adminAndUser()
  const superadmin = actionsOn(user.id, await newAdmin({ superadmin: true }))
  const before = await superadmin.patch({ full_name: 'Ada', is_superuser: true })
  const stored = { full_name: 'Ada', is_active: true, is_superuser: true }
  for (const unchanged of [
    ...[await patch({}), await patch({ full_name: 'Ada' }), await superadmin.patch(stored)],
    ...[await restore(), await patch({ is_active: true })],
  ]) {
    expectResponse(unchanged, 200, before.body)
  }
  expect((await me()).body).toEqual(before.body)
})

test('DELETE /api/admins/users/{id} returns 204 and ends access; restore returns the user, without sessions', async () => {
  const { admin, user, names, me, patch, remove, restore } = await adminAndUser()
  const isListed = async (query: string) => {
    const path = `/api/admins/users?search=${user.username}${query}`
    return (await admin.caller.get(path, { token: admin.access_token })).body.total === 1
  }
  expect(await remove()).toMatchObject({ status: 204, text: '' })
  for (const response of [await remove(), await patch({ full_name: 'x' })]) {
    expectError(response, 404, 'NotFoundError', 'User not found')
  }
  expectUnauthenticated(await me())
  await expect(logIn(user.caller, user.username)).rejects.toThrow('Invalid username or password')
  expect([await isListed(''), await isListed('&deleted=true')]).toEqual([false, true])

  expectResponse(await restore(), 200, userRead(names))
  expectUnauthenticated(await me())
  expect([await isListed(''), await isListed('&deleted=true')]).toEqual([true, false])
  await logIn(user.caller, user.username)
})

test('DELETE /api/admins/users/{id}/sessions returns 204 and ends all sessions of the user', async () => {
  const { user, me, endSessions } = await adminAndUser()
  const { refresh_token } = await logIn(user.caller, user.username)
  expect(await endSessions()).toMatchObject({ status: 204, text: '' })
  expectUnauthenticated(await me())
  const refreshed = await user.caller.post('/api/users/refresh', { refresh_token })
  expectUnauthenticated(refreshed, 'Invalid or expired refresh token')
  await logIn(user.caller, user.username)
})

test('/api/admins/users/{id} returns 404 for an unknown id, 422 for an invalid id, 401 after logout', async () => {
  const admin = await newAdmin()
  const callAll = (id: string) => {
    const { read, patch, remove, restore, endSessions } = actionsOn(id, admin)
    return Promise.all([read(), patch({}), remove(), restore(), endSessions()])
  }
  for (const response of await callAll('2147483647')) {
    expectError(response, 404, 'NotFoundError', 'User not found')
  }
  for (const id of ['0', 'me', '1.5', '2147483648', '-1']) {
    for (const response of await callAll(id)) expectInvalid(response, 'id')
  }
  const invalid = { is_active: 'no', is_superuser: 1 }
  expectInvalid(await actionsOn(1, admin).patch(invalid), 'is_active', 'is_superuser')
  const { refresh_token } = admin
  await admin.caller.post('/api/admins/logout', { refresh_token })
  for (const response of await callAll('2147483647')) expectUnauthenticated(response)
})
