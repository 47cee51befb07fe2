import { expect, test } from 'vitest'
import { logIn, newAdmin, newUser } from '../../setup/accounts.ts'
import { expectError, visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid, expectUnauthenticated } from '../../setup/shapes.ts'

const superadmin = visitor({ token: (await newAdmin({ superadmin: true })).access_token })

test('DELETE /api/admins/users/{id}?erase=true returns 204 for a deleted user, then 404; the names are free', async () => {
  const { id, username, email, password, access_token: token } = await newUser()
  const path = `/api/admins/users/${id}`
  await superadmin.delete(path)
  expect(await superadmin.delete(`${path}?erase=true`)).toMatchObject({ status: 204, text: '' })
  for (const response of [
    await superadmin.get(path),
    await superadmin.patch(path, {}),
    await superadmin.delete(path),
    await superadmin.delete(`${path}?erase=true`),
    await superadmin.post(`${path}/restore`),
    await superadmin.delete(`${path}/sessions`),
  ]) {
    expectError(response, 404, 'NotFoundError', 'User not found')
  }
  expectUnauthenticated(await visitor().get('/api/users/me', { token }))

  const again = await visitor().post('/api/users/register', { username, email, password })
  expect(again.status).toBe(201)
  expect(again.body.id).not.toBe(id)
  await logIn(visitor(), username)
  expectUnauthenticated(await visitor().get('/api/users/me', { token }))
})

test('DELETE /api/admins/users/{id}?erase=true returns 409 for a user who is not deleted, 404 for none', async () => {
  const { id, access_token: token } = await newUser()
  const erased = await superadmin.delete(`/api/admins/users/${id}?erase=true`)
  const message = 'Only a deleted user can be erased: delete it first'
  expectError(erased, 409, 'ConflictError', message)
  expect((await visitor().get('/api/users/me', { token })).status).toBe(200)
  const unknown = await superadmin.delete('/api/admins/users/2147483647?erase=1')
  expectError(unknown, 404, 'NotFoundError', 'User not found')
})

test('DELETE /api/admins/users/{id}?erase=false deletes softly; another value returns 422', async () => {
  const { id } = await newUser()
  const path = `/api/admins/users/${id}`
  for (const erase of ['', 'yes', 'TRUE%00', 'true&erase=true']) {
    expectInvalid(await superadmin.delete(`${path}?erase=${erase}`), 'erase')
  }
  expect((await superadmin.delete(`${path}?erase=false`)).status).toBe(204)
  const rows = await sql('select deleted_at is not null as deleted from users where id = $1', [id])
  expect(rows).toEqual([{ deleted: true }])
  expect((await superadmin.delete(`${path}?erase=0`)).status).toBe(404)
})
