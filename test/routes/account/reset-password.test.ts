import { describe, expect, test } from 'vitest'
import { logIn, mailsTo, newAdmin, newUser } from '../../setup/accounts.ts'
import { expectError, type Visitor } from '../../setup/api.ts'
import { resetTokenOf } from '../../setup/reset-token.ts'
import { expectInvalid, expectResponse, expectUnauthenticated } from '../../setup/shapes.ts'

const NEW = 'another horse, another battery'

describe.each([
  { base: '/api/password', kind: 'users', type: 'user', create: () => newUser() },
  { base: '/api/admins', kind: 'admins', type: 'admin', create: () => newAdmin() },
] as const)('POST $base/reset-password', ({ base, kind, type, create }) => {
  const reset = (caller: Visitor, token: unknown, new_password: unknown = NEW) =>
    caller.post(`${base}/reset-password`, { token, new_password })

  test('sets the password once, and ends all sessions', async () => {
    const { caller, username, email, access_token, refresh_token } = await create()
    await caller.post(`${base}/forgot-password`, { email })
    const [mail] = await mailsTo(email)
    const [, encoded = ''] = /\/reset-password[?#]token=([^\s&]+)/.exec(mail?.text ?? '') ?? []
    const token = decodeURIComponent(encoded)
    expectResponse(await reset(caller, token), 200, { message: 'Password reset successful' })
    const again = await reset(caller, token)
    expectError(again, 400, 'BadRequestError', 'Invalid or expired token')

    expectUnauthenticated(await caller.get(`/api/${kind}/me`, { token: access_token }))
    const refreshed = await caller.post(`/api/${kind}/refresh`, { refresh_token })
    expectUnauthenticated(refreshed, 'Invalid or expired refresh token')
    await logIn(caller, username, { kind, password: NEW })
    await expect(logIn(caller, username, { kind })).rejects.toThrow('Invalid username or password')
    const subjects = (await mailsTo(email, 2)).map(({ subject }) => subject)
    expect(subjects).toContain('Your ADL Production password was changed')
  })

  test('returns 422 for an invalid token or a weak password', async () => {
    const { caller, id } = await create()
    for (const invalid of [null, '', [], { $ne: '' }, 'a'.repeat(513)]) {
      expectInvalid(await reset(caller, invalid), 'token')
    }
    const token = await resetTokenOf(id, 60, type)
    expectInvalid(await reset(caller, token, 'short'), 'new_password')
    expect((await reset(caller, token)).status).toBe(200)
  })
})
