import { describe, expect, test } from 'vitest'
import { newAdmin, newUser } from '../../setup/accounts.ts'
import { expectError, type Visitor } from '../../setup/api.ts'
import { resetTokenOf } from '../../setup/reset-token.ts'
import { expectInvalid, expectResponse } from '../../setup/shapes.ts'

describe.each([
  { base: '/api/password', type: 'user', create: () => newUser() },
  { base: '/api/admins', type: 'admin', create: () => newAdmin() },
] as const)('POST $base/reset-password/check', ({ base, type, create }) => {
  const check = (caller: Visitor, token: unknown) =>
    caller.post(`${base}/reset-password/check`, { token })

  test('returns the account of an open link and when the link expires, as often as it is asked', async () => {
    const { caller, id, username, email } = await create()
    const token = await resetTokenOf(id, 30, type)
    const first = await check(caller, token)
    const { expires_at } = first.body
    expectResponse(first, 200, { username, email, expires_at })
    expect(expires_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect((Date.parse(expires_at) - Date.now()) / 60_000).toBeCloseTo(30, 0)
    expectResponse(await check(caller, token), 200, first.body)
  })

  test('returns 400 for a link that has expired, and 422 for what is no token', async () => {
    const { caller, id } = await create()
    const expired = await check(caller, await resetTokenOf(id, -1, type))
    expectError(expired, 400, 'BadRequestError', 'Invalid or expired token')
    for (const invalid of [null, '', [], { $ne: '' }, 'a'.repeat(513)]) {
      expectInvalid(await check(caller, invalid), 'token')
    }
  })

  test('spends the quota alone: what reset-password may be called is left', async () => {
    const { caller, id } = await create()
    const response = await check(caller, await resetTokenOf(id, 60, type))
    expect(response.headers.get('RateLimit-Policy')).toBe('"api";q=200;w=3600')
  })
})
