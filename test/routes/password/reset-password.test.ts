import { expect, test } from 'vitest'
import { logIn, mailsTo, newUser } from '../../setup/accounts.ts'
import { expectError, type Visitor } from '../../setup/api.ts'
import { resetTokenOf } from '../../setup/reset-token.ts'
import { expectInvalid, expectResponse, expectUnauthenticated } from '../../setup/shapes.ts'

const NEW = 'another horse, another battery'

const reset = (caller: Visitor, token: unknown, new_password: unknown = NEW) =>
  caller.post('/api/password/reset-password', { token, new_password })

test('POST /api/password/reset-password sets the password once, and ends all sessions', async () => {
  const { caller, username, email, access_token, refresh_token } = await newUser()
  await caller.post('/api/password/forgot-password', { email })
  const [mail] = await mailsTo(email)
  const [, encoded = ''] = /\/reset-password\?token=(\S+)/.exec(mail?.text ?? '') ?? []
  const token = decodeURIComponent(encoded)
  expectResponse(await reset(caller, token), 200, { message: 'Password reset successful' })
  const again = await reset(caller, token)
  expectError(again, 400, 'BadRequestError', 'Invalid or expired token')

  expectUnauthenticated(await caller.get('/api/users/me', { token: access_token }))
  const refreshed = await caller.post('/api/users/refresh', { refresh_token })
  expectUnauthenticated(refreshed, 'Invalid or expired refresh token')
  await logIn(caller, username, { password: NEW })
  await expect(logIn(caller, username)).rejects.toThrow('Invalid username or password')
  const subjects = (await mailsTo(email, 2)).map(({ subject }) => subject)
  expect(subjects).toContain('Your ADL Production password was changed')
})

test('POST /api/password/reset-password returns 422 for an invalid token or a weak password', async () => {
  const { caller, id } = await newUser()
  for (const invalid of [null, '', [], { $ne: '' }, 'a'.repeat(513)]) {
    expectInvalid(await reset(caller, invalid), 'token')
  }
  const token = await resetTokenOf(id)
  expectInvalid(await reset(caller, token, 'short'), 'new_password')
  expect((await reset(caller, token)).status).toBe(200)
})
