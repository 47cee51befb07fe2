import { describe, expect, test } from 'vitest'
import { logIn, mailsTo } from '../../setup/accounts.ts'
import { expectError } from '../../setup/api.ts'
import { expectInvalid, expectResponse, expectUnauthenticated } from '../../setup/shapes.ts'
import { ACCOUNT_TYPES } from './account-types.ts'

const NEW = 'another horse, another battery'

describe.each(ACCOUNT_TYPES)('POST /api/$type/change-password', ({ type, create }) => {
  const path = `/api/${type}/change-password`

  test('ends all other sessions, keeps the current one and sends a notice', async () => {
    const here = await create()
    const { caller, username, email, password: current_password, access_token: token } = here
    const elsewhere = await logIn(caller, username, { kind: type })
    const changed = await caller.post(path, { current_password, new_password: NEW }, { token })
    expectResponse(changed, 200, { message: 'Password changed successfully' })

    const refresh = ({ refresh_token }: { refresh_token: string }) =>
      caller.post(`/api/${type}/refresh`, { refresh_token })
    expect((await caller.get(`/api/${type}/me`, { token })).status).toBe(200)
    expect((await refresh(here)).status).toBe(200)
    const { access_token } = elsewhere
    expectUnauthenticated(await caller.get(`/api/${type}/me`, { token: access_token }))
    expectUnauthenticated(await refresh(elsewhere), 'Invalid or expired refresh token')

    const withOldPassword = logIn(caller, username, { kind: type })
    await expect(withOldPassword).rejects.toThrow('Invalid username or password')
    await logIn(caller, username, { kind: type, password: NEW })
    expect(await mailsTo(email)).toMatchObject([
      { subject: 'Your ADL Production password was changed' },
    ])
  })

  test('returns 401, 400 or 422 for a wrong, unchanged or weak password', async () => {
    const { caller, username, password, access_token: token } = await create()
    const change = (current_password?: string, new_password?: string) =>
      caller.post(path, { current_password, new_password }, { token })

    expectUnauthenticated(await change('wrong', NEW), 'Current password is incorrect')
    const message = 'New password must be different from current password'
    expectError(await change(password, password), 400, 'BusinessLogicError', message)
    expectInvalid(await change(password, 'short'), 'new_password')
    const named = await change(password, `${username}!`)
    expectInvalid(named, 'new_password')
    expect(named.body.details.errors[0].type).toBe('contains_account_name')
    expectInvalid(await change(), 'current_password', 'new_password')
    await logIn(caller, username, { kind: type })
  })
})
