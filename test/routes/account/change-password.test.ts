import { expect, test } from 'vitest'
import { logIn, mailsTo, registerUser } from '../../setup/accounts.ts'
import { expectError } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid, expectUnauthenticated } from '../../setup/shapes.ts'

const NEW = 'another horse, another battery'

test('POST /api/users/change-password ends all other sessions, keeps this one, and mails a notice', async () => {
  const { caller, id, username, email, password, ...here } = await registerUser()
  const elsewhere = await logIn(caller, username)
  await sql("insert into password_resets values ($1, $2, now() + interval '1 hour')", [
    id,
    crypto.randomUUID(),
  ])
  const { status, body } = await caller.post(
    '/api/users/change-password',
    { current_password: password, new_password: NEW },
    { token: here.access_token },
  )
  expect(status).toBe(200)
  expect(body).toEqual({ message: 'Password changed successfully' })

  expect((await caller.get('/api/users/me', { token: here.access_token })).status).toBe(200)
  expectUnauthenticated(await caller.get('/api/users/me', { token: elsewhere.access_token }))
  const refresh = (refresh_token: string) => caller.post('/api/users/refresh', { refresh_token })
  expect((await refresh(here.refresh_token)).status).toBe(200)
  expectUnauthenticated(await refresh(elsewhere.refresh_token), 'Invalid or expired refresh token')

  await expect(logIn(caller, username)).rejects.toThrow('Invalid username or password')
  await logIn(caller, username, { password: NEW })
  expect(await sql('select 1 from password_resets where user_id = $1', [id])).toEqual([])
  const mails = await mailsTo(email, 2)
  expect(mails.map(({ subject }) => subject)).toContain('Your ADL Production password was changed')
})

test('POST /api/users/change-password answers 401, 400 and 422, each in its words, and changes nothing', async () => {
  const user = await registerUser()
  const { caller, username, password, access_token: token } = user
  const change = (current_password: string, new_password: string) =>
    caller.post('/api/users/change-password', { current_password, new_password }, { token })

  expectUnauthenticated(await change('wrong', NEW), 'Current password is incorrect')
  expectError(
    await change(password, password),
    400,
    'BusinessLogicError',
    'New password must be different from current password',
  )
  expectInvalid(await change(password, 'short'), 'new_password')
  const named = await change(password, `${username}!`)
  expectInvalid(named, 'new_password')
  expect(named.body.details.errors[0].type).toBe('contains_account_name')
  const empty = await caller.post('/api/users/change-password', {}, { token })
  expectInvalid(empty, 'current_password', 'new_password')
  await logIn(caller, username)
})

test('POST /api/users/change-password answers 429 once ten tries at the account are spent', async () => {
  const { caller, id, password, access_token: token } = await registerUser()
  await sql("insert into attempts values ($1, 10, now() + interval '5 minutes')", [`user:${id}`])
  const answer = await caller.post(
    '/api/users/change-password',
    { current_password: password, new_password: NEW },
    { token },
  )
  expectError(answer, 429, 'RateLimitError', 'Too many requests, please try again later')
  expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(4 * 60)
})
