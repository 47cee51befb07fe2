import { expect, test } from 'vitest'
import { logIn, newAdmin, newUser, PASSWORD, registerUser } from '../setup/accounts.ts'
import { expectError, freshAddress, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { attemptsOf, auditLines } from './attack.ts'
import { changePassword, login, NEW_PASSWORD, resetPassword } from './calls.ts'
import { linkIn, requestResets, resetMailsTo } from './reset-requests.ts'

type User = Awaited<ReturnType<typeof newUser>>

const resetOf = (userId: number) =>
  sql('select id from password_resets where user_id = $1', [userId])

const expectInvalidToken = async (token: unknown) =>
  expectError(await resetPassword(token), 400, 'BadRequestError', 'Invalid or expired token')

test('18: from one network an account is sent three reset emails an hour, in any spelling; responses do not change', async () => {
  const { id, email } = await registerUser()
  const address = freshAddress()
  await requestResets(email, 3, { address })
  const open = await resetOf(id)
  await requestResets(email.toUpperCase(), 2, { address: address.replace(/\d+$/, '255') })
  expect(await resetOf(id)).toEqual(open)
  expect(await resetMailsTo(email, 4)).toHaveLength(3)
  const events = await auditLines('user', id)
  expect(events.filter(({ action }) => action === 'password_reset_requested')).toHaveLength(3)

  await sql(
    `update attempts set resets_at = now() where key like 'reset-mail:user:' || $1 || '%'`,
    [id],
  )
  await requestResets(email, 1, { address })
  expect(await resetOf(id)).not.toEqual(open)
})

test.each([
  ['users', newUser],
  ['admins', newAdmin],
] as const)(
  '18: after a stranger has used up the new links of one of the %s, the owner is sent the open link, with the minutes that it has left; six emails an hour in all',
  async (type, create) => {
    const { id, email } = await create()
    const stranger = freshAddress()
    await requestResets(email, 3, { type, address: stranger })
    const resets = type === 'users' ? 'password_resets' : 'admin_password_resets'
    const owner = type === 'users' ? 'user_id' : 'admin_id'
    await sql(
      `update ${resets} set expires_at = expires_at - interval '20 minutes' where ${owner} = $1`,
      [id],
    )
    await requestResets(email, 1, { type })
    const [first, , third, again] = (await resetMailsTo(email, 4)).map(linkIn)
    expect(first?.token).not.toBe(third?.token)
    expect(again?.token).toBe(third?.token)
    expect([third?.minutes, again?.minutes]).toEqual([60, 39])

    await requestResets(email, 1, { type, address: stranger })
    await requestResets(email, 2, { type })
    await requestResets(email, 1, { type })
    expect(await resetMailsTo(email, 6)).toHaveLength(6)
    expect((await resetPassword(again?.token, undefined, { type })).status).toBe(200)
  },
)

test.each([
  ['was used', (token: string) => resetPassword(token)],
  [
    'was voided by a change of the password',
    (_: string, { access_token }: User) => changePassword(access_token, PASSWORD),
  ],
  [
    'is about to expire',
    (_: string, { id }: User) =>
      sql(
        `update password_resets set expires_at = now() + interval '4 minutes' where user_id = $1`,
        [id],
      ),
  ],
])(
  '18: beyond the three new links of an hour, the owner is sent a new one if the last %s',
  async (_, end) => {
    const user = await registerUser()
    await requestResets(user.email, 3)
    const last = (await resetMailsTo(user.email, 4)).map(linkIn).at(-1)
    await end(last?.token ?? '', user)
    await requestResets(user.email)
    const mails = (await resetMailsTo(user.email, 5)).map(linkIn)
    const next = mails.filter(({ token }) => token !== last?.token).at(-1)
    expect(mails).toHaveLength(4)
    expect(next?.minutes).toBe(60)
    expect((await resetPassword(next?.token, 'a third long password')).status).toBe(200)
    await expectInvalidToken(last?.token)
  },
)

test('8, 18: a superadmin whom strangers lock out gets in again by a reset, which clears the failed logins', async () => {
  const { id, username, email } = await newAdmin({ superadmin: true })
  for (let i = 0; i < 10; i++) await login(username, 'wrong', { type: 'admins' })
  expect((await login(username, PASSWORD, { type: 'admins' })).status).toBe(429)

  await requestResets(email, 1, { type: 'admins' })
  const [mail = { text: '' }] = await resetMailsTo(email, 1)
  const { token } = linkIn(mail)
  expect((await resetPassword(token, NEW_PASSWORD, { type: 'admins' })).status).toBe(200)
  expect(await attemptsOf(`admin:${id}`)).toBeUndefined()
  await logIn(visitor(), username, { kind: 'admins', password: NEW_PASSWORD })
  const actions = (await auditLines('admin', id)).map(({ action, actor, target }) => [
    action,
    actor,
    target,
  ])
  expect(actions).toContainEqual(['password_reset_requested', null, `admin:${id}`])
  expect(actions).toContainEqual(['password_reset', `admin:${id}`, `admin:${id}`])
})
