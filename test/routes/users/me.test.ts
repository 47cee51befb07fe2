import { expect, test } from 'vitest'
import { withoutBreaks } from '../../../emails/text.ts'
import { freshName, logIn, mailsTo, newAdmin, newUser } from '../../setup/accounts.ts'
import { expectError } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import {
  expectDuplicate,
  expectInvalid,
  expectResponse,
  expectUnauthenticated,
  userRead,
} from '../../setup/shapes.ts'

/** A user who has logged in, and the calls to `/api/users/me` with that user's token. */
async function currentUser() {
  const user = await newUser()
  const { caller, access_token: token } = user
  return {
    ...user,
    get: () => caller.get('/api/users/me', { token }),
    put: (body: unknown) => caller.put('/api/users/me', body, { token }),
    remove: (body: unknown) => caller.delete('/api/users/me', body, { token }),
  }
}

test('GET /api/users/me returns the current user; 403 for an admin, 401 for a disabled user', async () => {
  const [{ caller, id, username, email, get }, admin] = [await currentUser(), await newAdmin()]
  expectResponse(await get(), 200, userRead({ id, username, email }))
  const byAdmin = await caller.get('/api/users/me', { token: admin.access_token })
  expectError(byAdmin, 403, 'AuthorizationError', 'This needs the token of a user')
  await sql('update users set is_active = false where id = $1', [id])
  expectUnauthenticated(await get())
})

test('PUT /api/users/me changes the fields in the body and no others', async () => {
  const { id, username, email, get, put } = await currentUser()
  const named = await put({ full_name: ' Ada Lovelace ' })
  expectResponse(named, 200, userRead({ id, username, email, full_name: 'Ada Lovelace' }))
  expect(named.body.updated_at > named.body.created_at).toBe(true)

  const renamed = { username: freshName(), email, full_name: 'Ada Lovelace' }
  expect((await put({ username: renamed.username })).body).toMatchObject(renamed)
  const { body } = await put({ full_name: null })
  expect(body).toMatchObject({ ...renamed, full_name: null })
  expect((await put({})).body).toEqual(body)
  expectResponse(await get(), 200, body)
})

test('PUT /api/users/me with another email notifies the old and the new address', async () => {
  const { id, username, email, put } = await currentUser()
  const moved = `${freshName()}@example.com`
  expectResponse(await put({ email: moved }), 200, userRead({ id, username, email: moved }))
  for (const address of [email, moved]) {
    const mails = await mailsTo(address)
    const subject = 'The email address of your ADL Production account was changed'
    expect(mails).toMatchObject([{ subject }])
    expect(withoutBreaks(mails[0]?.text ?? '')).toContain(
      `Old address: ${email}\nNew address: ${moved}`,
    )
  }
})

test('PUT /api/users/me returns 409 for the names of another user and 422 for invalid names', async () => {
  const other = await newUser()
  const { username, email, get, put } = await currentUser()
  expectDuplicate(await put({ email: other.email.toUpperCase() }), 'User', 'email')
  const taken = { username: other.username, full_name: 'Not kept' }
  expectDuplicate(await put(taken), 'User', 'username')
  expectInvalid(await put({ username: 'ab', email: 'x' }), 'username', 'email')
  expectInvalid(await put({ full_name: 'a\nb' }), 'full_name')
  expect((await get()).body).toMatchObject({ username, email, full_name: null })
})

test('DELETE /api/users/me returns 401 for a wrong password; with the right one 204, and ends access', async () => {
  const { caller, id, username, password, get, remove } = await currentUser()
  expectInvalid(await remove({}), 'password')
  expectUnauthenticated(await remove({ password: 'wrong' }), 'Current password is incorrect')
  expect((await get()).status).toBe(200)

  expect(await remove({ password })).toMatchObject({ status: 204, text: '' })
  expectUnauthenticated(await get())
  expectUnauthenticated(await remove({ password }))
  await expect(logIn(caller, username)).rejects.toThrow('Invalid username or password')
  const deleted = await sql('select 1 from users where id = $1 and deleted_at <= now()', [id])
  expect(deleted).toHaveLength(1)
})
