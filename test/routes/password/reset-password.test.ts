import { expect, test } from 'vitest'
import { logIn, mailsTo, newUser } from '../../setup/accounts.ts'
import { expectError, type Visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { resetTokenOf } from '../../setup/reset-token.ts'
import { expectInvalid, expectResponse, expectUnauthenticated } from '../../setup/shapes.ts'

const NEW = 'another horse, another battery'

const reset = (caller: Visitor, token: unknown, new_password: unknown = NEW) =>
  caller.post('/api/password/reset-password', { token, new_password })

const expectRejected = async (caller: Visitor, token: unknown) =>
  expectError(await reset(caller, token), 400, 'BadRequestError', 'Invalid or expired token')

test('POST /api/password/reset-password sets the password once, and ends all sessions', async () => {
  const { caller, username, email, access_token, refresh_token } = await newUser()
  await caller.post('/api/password/forgot-password', { email })
  const [mail] = await mailsTo(email)
  const [, encoded = ''] = /\/reset-password\?token=(\S+)/.exec(mail?.text ?? '') ?? []
  const token = decodeURIComponent(encoded)
  expectResponse(await reset(caller, token), 200, { message: 'Password reset successful' })
  await expectRejected(caller, token)

  expectUnauthenticated(await caller.get('/api/users/me', { token: access_token }))
  const refreshed = await caller.post('/api/users/refresh', { refresh_token })
  expectUnauthenticated(refreshed, 'Invalid or expired refresh token')
  await logIn(caller, username, { password: NEW })
  await expect(logIn(caller, username)).rejects.toThrow('Invalid username or password')
  const subjects = (await mailsTo(email, 2)).map(({ subject }) => subject)
  expect(subjects).toContain('Your ADL Production password was changed')
})

test('POST /api/password/reset-password returns 400 for a replaced or expired token, and for other tokens', async () => {
  const { caller, id, username, access_token, refresh_token } = await newUser()
  const replaced = await resetTokenOf(id)
  const token = await resetTokenOf(id)
  const others = ['garbage', access_token, refresh_token, `${token}=`, `x${token}`]
  for (const other of [replaced, ...others]) await expectRejected(caller, other)

  const past = "now() - interval '1 second'"
  await sql(`update password_resets set expires_at = ${past} where user_id = $1`, [id])
  await expectRejected(caller, token)
  await logIn(caller, username)
})

test('POST /api/password/reset-password returns 400 for a disabled user', async () => {
  const { caller, id, username } = await newUser()
  const token = await resetTokenOf(id)
  await sql('update users set is_active = false where id = $1', [id])
  await expectRejected(caller, token)
  await sql('update users set is_active = true where id = $1', [id])
  await logIn(caller, username)
})

test('POST /api/password/reset-password returns 422 for invalid fields, and keeps the token valid', async () => {
  const { caller, id, username } = await newUser()
  const token = await resetTokenOf(id)
  for (const invalid of [null, '', [], { $ne: '' }, 'a'.repeat(513)]) {
    expectInvalid(await reset(caller, invalid), 'token')
  }
  expectInvalid(await reset(caller, token, 'short'), 'new_password')
  const named = await reset(caller, token, `${username}1`)
  expectInvalid(named, 'new_password')
  expect(named.body.details.errors[0].type).toBe('contains_account_name')
  expect((await reset(caller, token)).status).toBe(200)
})
