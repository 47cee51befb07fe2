import { expect, test } from 'vitest'
import { logIn, mailsTo, newUser, registerUser } from '../../setup/accounts.ts'
import { expectError, type Visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { resetTokenOf } from '../../setup/reset-token.ts'
import { expectInvalid, expectUnauthenticated } from '../../setup/shapes.ts'

const RESET = '/api/password/reset-password'
const NEW = 'another horse, another battery'

const reset = (caller: Visitor, token: unknown, new_password: unknown = NEW) =>
  caller.post(RESET, { token, new_password })

const expectRefused = (answer: Awaited<ReturnType<typeof reset>>) =>
  expectError(answer, 400, 'BadRequestError', 'Invalid or expired token')

/** The token in the mail that follows the welcome. */
async function mailedToken(email: string) {
  const mail = (await mailsTo(email, 2)).find(({ subject }) => subject.startsWith('Reset your'))
  return /\/reset-password\?token=(\S+)/.exec(mail?.text ?? '')?.[1] ?? ''
}

test('POST /api/password/reset-password sets the password by the mailed link, once, and signs out everywhere', async () => {
  const { caller, id, username, email, access_token, refresh_token } = await registerUser()
  await caller.post('/api/password/forgot-password', { email })
  const token = decodeURIComponent(await mailedToken(email))
  await sql("insert into attempts values ($1, 11, now() + interval '5 minutes')", [`user:${id}`])

  const { status, body } = await reset(caller, token)
  expect(status).toBe(200)
  expect(body).toEqual({ message: 'Password reset successful' })
  expectRefused(await reset(caller, token))

  expectUnauthenticated(await caller.get('/api/users/me', { token: access_token }))
  const refreshed = await caller.post('/api/users/refresh', { refresh_token })
  expectUnauthenticated(refreshed, 'Invalid or expired refresh token')
  await logIn(caller, username, { password: NEW })
  await expect(logIn(caller, username)).rejects.toThrow('Invalid username or password')
  const mails = await mailsTo(email, 3)
  expect(mails.map(({ subject }) => subject)).toContain('Your ADL Production password was changed')
})

test('POST /api/password/reset-password answers 400 for all but the newest link, and for an old one', async () => {
  const { caller, id, username } = await newUser()
  const first = await resetTokenOf(id)
  const second = await resetTokenOf(id)
  expectRefused(await reset(caller, first))
  await sql(
    "update password_resets set expires_at = now() - interval '1 second' where user_id = $1",
    [id],
  )
  expectRefused(await reset(caller, second))
  await logIn(caller, username)
})

test('POST /api/password/reset-password answers 400 for what is no reset token, and for a disabled user', async () => {
  const { caller, id, username, access_token, refresh_token } = await newUser()
  const token = await resetTokenOf(id)
  for (const other of ['garbage', access_token, refresh_token, `${token}=`, `x${token}`]) {
    expectRefused(await reset(caller, other))
  }
  await sql('update users set is_active = false where id = $1', [id])
  expectRefused(await reset(caller, token))
  await sql('update users set is_active = true where id = $1', [id])
  await logIn(caller, username)
})

test('POST /api/password/reset-password answers 422 for bad input, and the link goes on working', async () => {
  const { caller, id, username } = await newUser()
  const token = await resetTokenOf(id)
  for (const nothing of [null, '', [], { $ne: '' }, 'a'.repeat(513)]) {
    expectInvalid(await reset(caller, nothing), 'token')
  }
  expectInvalid(await reset(caller, token, 'short'), 'new_password')
  const named = await reset(caller, token, `${username}1`)
  expectInvalid(named, 'new_password')
  expect(named.body.details.errors[0].type).toBe('contains_account_name')
  expect((await reset(caller, token)).status).toBe(200)
})
