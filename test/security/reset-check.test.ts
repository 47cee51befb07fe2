import { expect, test } from 'vitest'
import { newAdmin, newUser, PASSWORD } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { changePassword, checkReset, resetPassword } from './calls.ts'

const rowsOf = async (id: number) => [
  await sql('select * from users where id = $1', [id]),
  await sql('select * from password_resets where user_id = $1', [id]),
  await sql('select * from user_sessions where account_id = $1', [id]),
  await sql("select count(*) from audit_events where target_kind = 'user' and target_id = $1", [
    id,
  ]),
]

const expectInvalidToken = (response: Awaited<ReturnType<typeof checkReset>>) => {
  expectError(response, 400, 'BadRequestError', 'Invalid or expired token')
  const { request_id: _, timestamp: __, ...body } = response.body
  return JSON.stringify(body)
}

test('16: fifty checks of a reset link at once change no row, and the link still works once', async () => {
  const user = await newUser()
  const token = await resetTokenOf(user.id)
  const before = await rowsOf(user.id)
  const client = visitor()
  const checks = await Promise.all(Array.from({ length: 50 }, () => checkReset(token, { client })))
  expect(checks.map(({ status }) => status)).toEqual(Array(50).fill(200))
  expect(await rowsOf(user.id)).toEqual(before)
  expect((await resetPassword(token)).status).toBe(200)
  expectInvalidToken(await checkReset(token))
})

test('16: a check of a used, replaced, expired, forged or foreign token is the same 400', async () => {
  const [user, admin] = [await newUser(), await newAdmin()]
  const used = await resetTokenOf(user.id)
  await resetPassword(used)
  const expired = await resetTokenOf(user.id, -1)
  const replaced = await resetTokenOf(user.id)
  const open = await resetTokenOf(user.id)
  const [id, mac = ''] = open.split('.')
  const ofAdmin = await resetTokenOf(admin.id, 60, 'admin')
  const bodies = await Promise.all(
    [
      ...[used, replaced, expired, ofAdmin, open.replace(/^[^.]+/, crypto.randomUUID())],
      ...[`${id}.${'A'.repeat(mac.length)}`, `${id}.`, `${id}`, `${open}=`, ` ${open}`],
      ...[user.access_token, user.refresh_token],
    ].map(async (token) => expectInvalidToken(await checkReset(token))),
  )
  expect(new Set(bodies).size).toBe(1)
  expect((await checkReset(open)).status).toBe(200)
})

test('13: a check of a user’s token at the admins’ endpoint is 400 and back, also for the same id', async () => {
  const [user, admin] = [await newUser(), await newAdmin()]
  const [mine, theirs] = [await resetTokenOf(user.id), await resetTokenOf(admin.id, 60, 'admin')]
  await sql('update admin_password_resets set id = $1 where admin_id = $2', [
    mine.split('.')[0],
    admin.id,
  ])
  expectInvalidToken(await checkReset(mine, { type: 'admins' }))
  expectInvalidToken(await checkReset(theirs))
  expect((await checkReset(mine)).body.username).toBe(user.username)
})

test.each<[what: string, act: (user: Awaited<ReturnType<typeof newUser>>) => Promise<unknown>]>([
  ['is disabled', ({ id }) => sql('update users set is_active = false where id = $1', [id])],
  ['is deleted', ({ id }) => sql('update users set deleted_at = now() where id = $1', [id])],
  ['has changed its password', ({ access_token }) => changePassword(access_token, PASSWORD)],
  [
    'has changed its email',
    ({ email, access_token: token }) =>
      visitor({ token }).put('/api/users/me', { email: `moved-${email}` }),
  ],
])('16: the link of an account that %s is dead, and tells nothing of it', async (_, act) => {
  const user = await newUser()
  const token = await resetTokenOf(user.id)
  expect((await checkReset(token)).status).toBe(200)
  await act(user)
  const response = await checkReset(token)
  expectInvalidToken(response)
  expect(response.text).not.toContain(user.username)
})

test('16: a check tells the username, the email and when the link expires, and nothing else', async () => {
  const { id, username, email } = await newUser()
  const { body, headers } = await checkReset(await resetTokenOf(id))
  expect(body).toEqual({ username, email, expires_at: expect.any(String) })
  expect(headers.get('Cache-Control')).toBe('no-store')
  expect(headers.get('Set-Cookie')).toBeNull()
})
