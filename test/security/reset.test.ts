import { expect, test } from 'vitest'
import {
  logIn,
  mailsTo,
  newAdmin,
  newcomer,
  newUser,
  PASSWORD,
  registerUser,
} from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { attemptsOf, setAttempts } from './attack.ts'
import { changePassword, forgotPassword, NEW_PASSWORD, resetPassword } from './calls.ts'
import { requestResets, resetMailsTo } from './reset-requests.ts'

const rowOf = async (id: number) => (await sql('select * from users where id = $1', [id]))[0]

/** In alphabetical order: the order of arrival varies. */
const subjectsTo = async (email: string, atLeast = 1) =>
  (await mailsTo(email, atLeast)).map(({ subject }) => subject).toSorted()

const expectInvalidToken = async (token: unknown) =>
  expectError(await resetPassword(token), 400, 'BadRequestError', 'Invalid or expired token')

test('16 (CVE-2026-18963): a token works once; used, replaced, expired, forged and foreign tokens are the same 400 and change nothing', async () => {
  const [user, other] = [await registerUser(), await registerUser()]
  const used = await resetTokenOf(user.id)
  expect((await resetPassword(used)).status).toBe(200)
  await expectInvalidToken(used)
  const before = await rowOf(user.id)

  const replaced = await resetTokenOf(user.id)
  const expired = await resetTokenOf(user.id, -1)
  const unknown = replaced.replace(/^[^.]+/, crypto.randomUUID())
  const [id, mac = ''] = replaced.split('.')
  const bodies = await Promise.all(
    [
      ...[used, replaced, expired, unknown],
      ...[`${id}.${'A'.repeat(mac.length)}`, `${id}.${mac.slice(0, -1)}`, `${id}.`, `${id}`],
      ...[`${replaced}=`, ` ${replaced}`, `${replaced}\n`],
      ...[user.access_token, user.refresh_token, other.refresh_token],
    ].map(async (token) => {
      const response = await resetPassword(token)
      expectError(response, 400, 'BadRequestError', 'Invalid or expired token')
      const { request_id: _, timestamp: __, ...body } = response.body
      return JSON.stringify(body)
    }),
  )
  expect(new Set(bodies).size).toBe(1)
  expect(await rowOf(user.id)).toEqual(before)
})

test.each([
  ['null', null],
  ['empty', ''],
  ['a list', []],
  ['a list of one', ['x.y']],
  ['an operator', { $ne: '' }],
  ['a number', 0],
  ['true', true],
  ['513 characters', 'a'.repeat(513)],
])('16: a token that is %s is 422', async (_, token) => {
  expectError(await resetPassword(token), 422, 'ValidationError')
})

test('16: a weak password does not use up the token, and a token resets only its own user', async () => {
  const [user, other] = [await registerUser(), await registerUser()]
  const [mine, theirs] = [await resetTokenOf(user.id), await resetTokenOf(other.id)]
  const before = await rowOf(user.id)
  expectError(await resetPassword(mine, 'password1'), 422, 'ValidationError')
  expect((await resetPassword(theirs)).status).toBe(200)
  expect(await rowOf(user.id)).toEqual(before)
  expect((await resetPassword(mine)).status).toBe(200)
})

const byAdmin = visitor({ token: (await newAdmin()).access_token })
type User = Awaited<ReturnType<typeof registerUser>>

test.each<[what: string, act: (user: User) => ReturnType<typeof changePassword>]>([
  ['a change of the password', ({ access_token }) => changePassword(access_token, PASSWORD)],
  [
    'a change of the email',
    ({ email, access_token: token }) =>
      visitor({ token }).put('/api/users/me', { email: `moved-${email}` }),
  ],
  ['disabling', ({ id }) => byAdmin.patch(`/api/admins/users/${id}`, { is_active: false })],
  ['deletion by an admin', ({ id }) => byAdmin.delete(`/api/admins/users/${id}`)],
  [
    'deletion by the user',
    ({ access_token: token }) => visitor({ token }).delete('/api/users/me', { password: PASSWORD }),
  ],
])(
  '16: %s invalidates open tokens, and restoring the account does not revive them',
  async (_, act) => {
    const user = await registerUser()
    const token = await resetTokenOf(user.id)
    expect((await act(user)).status).toBeLessThan(300)
    await expectInvalidToken(token)
    await sql('update users set is_active = true, deleted_at = null where id = $1', [user.id])
    await expectInvalidToken(token)
  },
)

test('17 (GHSA-3529-5m8x-rpv3): the link comes from the configuration, never from a header; only the newest is valid', async () => {
  const user = await registerUser()
  const headers = {
    Host: 'evil.example.net',
    'X-Forwarded-Host': 'evil.example.net',
    'X-Forwarded-Proto': 'http',
    'X-Original-URL': 'https://evil.example.net/',
    Forwarded: 'host=evil.example.net',
    Origin: 'https://evil.example.net',
    Referer: 'https://evil.example.net/',
  }
  await requestResets(user.email, 2, { headers })
  const mails = await resetMailsTo(user.email, 3)
  expect(mails).toHaveLength(2)
  expect(JSON.stringify(mails)).not.toContain('evil')
  const [older, newer] = mails.map(
    ({ text }) => new URL(text.match(/https?:\S+token=\S+/)?.[0] ?? ''),
  )
  expect(newer).toMatchObject({ origin: 'https://app.example.com', pathname: '/reset-password' })
  await expectInvalidToken(older?.searchParams.get('token'))
  expect((await resetPassword(newer?.searchParams.get('token'))).status).toBe(200)
})

test('18: a reset does not log in, clears failed attempts, and sends a notice', async () => {
  const { id, email } = await registerUser()
  await setAttempts(`user:${id}`, 10)
  const response = await resetPassword(await resetTokenOf(id))
  expect(response.body).toEqual({ message: 'Password reset successful' })
  expect(response.headers.get('Set-Cookie')).toBeNull()
  expect(await sql('select 1 from user_sessions where account_id = $1', [id])).toHaveLength(1)
  expect(await attemptsOf(`user:${id}`)).toBeUndefined()
  expect(await subjectsTo(email, 2)).toEqual([
    'Welcome to ADL Production',
    'Your ADL Production password was changed',
  ])
})

test('18: a disabled or deleted admin is sent nothing, and an open link does not work', async () => {
  const { id, email } = await newAdmin()
  const token = await resetTokenOf(id, 60, 'admin')
  for (const state of ['is_active = false', 'is_active = true, deleted_at = now()']) {
    await sql(`update admins set ${state} where id = $1`, [id])
    await requestResets(email, 1, { type: 'admins' })
    const response = await resetPassword(token, undefined, { type: 'admins' })
    expectError(response, 400, 'BadRequestError', 'Invalid or expired token')
  }
  expect(await mailsTo(email, 1, 0)).toEqual([])
})

test('13, 16: a user’s reset token is 400 at the admins’ endpoint and back, also for the same id', async () => {
  const [user, admin] = [await newUser(), await newAdmin()]
  const [mine, theirs] = [await resetTokenOf(user.id), await resetTokenOf(admin.id, 60, 'admin')]
  // The same reset id in both tables.
  await sql('update admin_password_resets set id = $1 where admin_id = $2', [
    mine.split('.')[0],
    admin.id,
  ])
  for (const [token, type] of [
    [mine, 'admins'],
    [theirs, 'users'],
  ] as const) {
    const response = await resetPassword(token, NEW_PASSWORD, { type })
    expectError(response, 400, 'BadRequestError', 'Invalid or expired token')
  }
  expect((await resetPassword(mine)).status).toBe(200)
  await logIn(visitor(), admin.username, { kind: 'admins' })
})

test('19 (CVE-2022-35924): the email goes to the stored address, not to the spelling in the request', async () => {
  const { email } = await registerUser()
  await requestResets(email.toUpperCase())
  expect((await resetMailsTo(email, 2)).map(({ to }) => to)).toEqual([[email]])
})

test.each([
  ...['a@example.com,b@example.com', 'a@example.com;b@example.com', 'a@b@example.com'],
  ...['"a@example.com"@example.org', '"a b"@example.com', '<a@example.com>'],
  ...['a\uff20example.com', 'a@example\u3002com', 'a@ex\u0430mple.com'],
  ...['a@example.com\r\nBcc: b@example.com', 'a@example.com%0d%0aBcc:b@example.com'],
  ...['a\0@example.com', 'a@[127.0.0.1]', 'a@localhost', `${'a'.repeat(250)}@example.com`],
])('19 (CVE-2022-35924): the email %j is 422 in register and in forgot-password', async (email) => {
  const registered = await visitor().post('/api/users/register', { ...newcomer(), email })
  for (const response of [registered, await forgotPassword(email)]) {
    expectError(response, 422, 'ValidationError')
    expect(response.body.details.errors).toMatchObject([{ field: 'email' }])
  }
})

test('19: HTML in a name is escaped in an email, a name with a link left out; line breaks are 422', async () => {
  const client = visitor()
  const register = (name: string, fields = newcomer()) =>
    client.post('/api/users/register', { ...fields, full_name: name })
  const welcomed = async (name: string) => {
    const fields = newcomer()
    expect((await register(name, fields)).status).toBe(201)
    const [welcome] = await mailsTo(fields.email)
    return welcome
  }
  expectError(await register('Ada\r\nBcc: b@example.com'), 422, 'ValidationError')

  const escaped = await welcomed('<img src=x onerror=alert(1)>"\'&')
  expect(escaped?.html).toContain('Hello &lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;,')
  expect(escaped?.html).not.toContain('<img')
  const linked = await welcomed('<a href="https://evil.example.net">')
  expect(linked?.html).toContain('>Hello,<')
  expect(linked?.html).not.toContain('evil')
})
