import { expect, test } from 'vitest'
import { freshName, logIn, mailsTo, newAdmin, registerUser } from '../../setup/accounts.ts'
import { expectError } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid, expectUnauthenticated, userRead } from '../../setup/shapes.ts'

test('GET /api/users/me answers the user behind the token', async () => {
  const { caller, id, username, email, access_token } = await registerUser()
  const { status, body } = await caller.get('/api/users/me', { token: access_token })
  expect(status).toBe(200)
  expect(body).toEqual(userRead({ id, username, email }))
})

test('GET /api/users/me answers 401 without a token, 403 with an admin’s, 401 when disabled', async () => {
  const [user, admin] = await Promise.all([registerUser(), newAdmin()])
  const me = (token?: string) => user.caller.get('/api/users/me', { token })
  expectUnauthenticated(await me())
  expectUnauthenticated(await me('garbage'))
  expectError(
    await me(admin.access_token),
    403,
    'AuthorizationError',
    'This needs the token of a user',
  )
  await sql('update users set is_active = false where id = $1', [user.id])
  expectUnauthenticated(await me(user.access_token))
})

test('PUT /api/users/me sets what is given and nothing else', async () => {
  const user = await registerUser()
  const { caller, access_token: token, email } = user
  const put = (body: unknown) => caller.put('/api/users/me', body, { token })

  const named = await put({ full_name: ' Ada Lovelace ' })
  expect(named.status).toBe(200)
  expect(named.body).toEqual(
    userRead({ id: user.id, username: user.username, email, full_name: 'Ada Lovelace' }),
  )
  expect(named.body.updated_at > named.body.created_at).toBe(true)

  const username = freshName()
  const renamed = await put({ username })
  expect(renamed.body).toMatchObject({ username, email, full_name: 'Ada Lovelace' })
  expect((await put({ full_name: null })).body.full_name).toBeNull()
  const same = await put({})
  expect(same.body).toMatchObject({ username, email, full_name: null })
  expect((await put({})).body).toEqual(same.body)
  expect((await caller.get('/api/users/me', { token })).body).toEqual(same.body)
})

test('PUT /api/users/me tells the old address and the new one of another email, and closes resets', async () => {
  const { caller, id, email, access_token: token } = await registerUser()
  await sql("insert into password_resets values ($1, $2, now() + interval '1 hour')", [
    id,
    crypto.randomUUID(),
  ])
  const moved = `${freshName()}@example.com`
  const { status, body } = await caller.put('/api/users/me', { email: moved }, { token })
  expect(status).toBe(200)
  expect(body).toEqual(userRead({ id, username: body.username, email: moved }))
  expect(await sql('select 1 from password_resets where user_id = $1', [id])).toEqual([])

  const subject = 'The email address of your ADL Production account was changed'
  const [toOld, toNew] = [await mailsTo(email, 2), await mailsTo(moved)]
  for (const mails of [toOld, toNew]) {
    const mail = mails.find((each) => each.subject === subject)
    expect(mail?.text).toContain(`Old address: ${email}`)
    expect(mail?.text).toContain(`New address: ${moved}`)
  }
})

test('PUT /api/users/me answers 409 for names of others and 422 for bad ones', async () => {
  const [other, user] = [await registerUser(), await registerUser()]
  const put = (body: unknown) =>
    user.caller.put('/api/users/me', body, { token: user.access_token })
  const email = await put({ email: other.email.toUpperCase() })
  expectError(email, 409, 'DuplicateRecordError', 'User with this email already exists')
  expect(email.body.details).toEqual({ resource: 'User', field: 'email' })
  const username = await put({ username: other.username, full_name: 'Not kept' })
  expectError(username, 409, 'DuplicateRecordError', 'User with this username already exists')
  expect(username.body.details).toEqual({ resource: 'User', field: 'username' })
  expectInvalid(await put({ username: 'ab', email: 'x' }), 'username', 'email')
  expectInvalid(await put({ full_name: 'a\nb' }), 'full_name')
  const { body } = await user.caller.get('/api/users/me', { token: user.access_token })
  expect(body).toMatchObject({ username: user.username, email: user.email, full_name: null })
})

test('DELETE /api/users/me answers 401 for a wrong password, then 204, and the account is out', async () => {
  const user = await registerUser()
  const { caller, id, username, email, password, access_token: token } = user
  const remove = (body: unknown) => caller.delete('/api/users/me', body, { token })

  expectInvalid(await remove({}), 'password')
  expectUnauthenticated(await remove({ password: 'wrong' }), 'Current password is incorrect')
  expect((await caller.get('/api/users/me', { token })).status).toBe(200)

  expect(await remove({ password })).toMatchObject({ status: 204, text: '' })
  expectUnauthenticated(await caller.get('/api/users/me', { token }))
  expectUnauthenticated(await remove({ password }))
  await expect(logIn(caller, username)).rejects.toThrow('Invalid username or password')
  const taken = await caller.post('/api/users/register', { username: freshName(), email, password })
  expectError(taken, 409, 'DuplicateRecordError')
  const [row] = await sql('select deleted_at is not null as deleted from users where id = $1', [id])
  expect(row).toEqual({ deleted: true })
})
