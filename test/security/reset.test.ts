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
import { environment, expectError, freshAddress, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { attemptsOf, auditLines, setAttempts } from './attack.ts'
import {
  type AccountType,
  changePassword,
  forgotPassword,
  login,
  NEW_PASSWORD,
  resetPassword,
} from './calls.ts'
import { deliver, heldQueue } from './faulty-world.ts'

const rowOf = async (id: number) => (await sql('select * from users where id = $1', [id]))[0]

const resetOf = (userId: number) =>
  sql('select id from password_resets where user_id = $1', [userId])

type Requests = { address?: string; type?: AccountType; headers?: Record<string, string> }

/** Requests reset emails from one address, and has them delivered, one after the other. */
async function requestResets(
  email: string,
  times = 1,
  { address = freshAddress(), type = 'users', headers = {} }: Requests = {},
) {
  const { queue, held } = heldQueue()
  const env = environment({ MAIL_QUEUE: queue })
  const client = visitor({ env, address })
  const path = `${type === 'users' ? '/api/password' : '/api/admins'}/forgot-password`
  for (let i = 0; i < times; i++) {
    const asked = await client.post(path, { email }, { headers })
    expect([asked.status, asked.body]).toEqual([
      200,
      { message: 'If the email exists, a reset link will be sent' },
    ])
    // The queue's consumer takes requests of the same millisecond for one.
    await scheduler.wait(2)
  }
  for (const message of held) await deliver([message], env)
}

const resetMailsTo = async (email: string, atLeast: number) =>
  (await mailsTo(email, atLeast)).filter(({ text }) => text.includes('token='))

/** The link of a reset email, and how long the email says that it is valid. */
function linkIn({ text }: { text: string }) {
  const url = new URL(/https?:\S+token=\S+/.exec(text)?.[0] ?? '')
  const fields = url.hash ? new URLSearchParams(url.hash.slice(1)) : url.searchParams
  return {
    token: fields.get('token') ?? '',
    minutes: Number(/expires in (\d+) minutes/.exec(text)?.[1]),
  }
}

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
