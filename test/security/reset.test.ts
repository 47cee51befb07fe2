import { expect, test } from 'vitest'
import { mailsTo, newAdmin, PASSWORD, registerUser } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { auditLines, openReset, spendTries, triesAt } from './attack.ts'
import { deliver, heldQueue } from './faulty-world.ts'

const NEW_PASSWORD = 'another long password'

const reset = (token: unknown, new_password: unknown = NEW_PASSWORD) =>
  visitor().post('/api/password/reset-password', { token, new_password })

const rowOf = async (id: number) => (await sql('select * from users where id = $1', [id]))[0]

/** Asks for reset mails and has them delivered, one after the other. */
async function forgotten(email: string, times = 1, headers: Record<string, string> = {}) {
  const { queue, held } = heldQueue()
  const env = environment({ MAIL_QUEUE: queue })
  for (let i = 0; i < times; i++) {
    const asked = await visitor({ env }).post(
      '/api/password/forgot-password',
      { email },
      { headers },
    )
    expect(asked.status).toBe(200)
  }
  for (const message of held) await deliver([message], env)
}

/** In the order of the alphabet: mails that are sent at once arrive in any. */
const subjects = (mails: { subject: string }[]) => mails.map(({ subject }) => subject).toSorted()

const linkIn = ({ text }: { text: string }) => {
  const [link = ''] = text.match(/https?:\S+token=\S+/) ?? []
  return new URL(link)
}

test('16 (CVE-2026-18963): a token works once; used, replaced, expired, forged and foreign ones are the same 400, and change nothing', async () => {
  const [user, other] = [await registerUser(), await registerUser()]
  const used = await openReset(user.id)
  expect((await reset(used)).status).toBe(200)
  expectError(await reset(used), 400, 'BadRequestError')
  const before = await rowOf(user.id)

  const replaced = await openReset(user.id)
  const expired = await openReset(user.id, -1)
  const unknown = replaced.replace(/^[^.]+/, crypto.randomUUID())
  const [id, mac = ''] = replaced.split('.')
  const tokens = [
    used,
    replaced,
    expired,
    unknown,
    `${id}.${'A'.repeat(mac.length)}`,
    `${id}.${mac.slice(0, -1)}`,
    `${id}.`,
    `${id}`,
    `${replaced}=`,
    ` ${replaced}`,
    `${replaced}\n`,
    user.access_token,
    user.refresh_token,
    other.refresh_token,
  ]
  const bodies = await Promise.all(
    tokens.map(async (token) => {
      const answer = await reset(token)
      expectError(answer, 400, 'BadRequestError', 'Invalid or expired token')
      const { request_id: _, timestamp: __, ...body } = answer.body
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
])('16: a token that is %s answers 422', async (_, token) => {
  expectError(await reset(token), 422, 'ValidationError')
})

test('16: a weak password does not use the token up, and another user’s token sets nobody else’s', async () => {
  const [user, other] = [await registerUser(), await registerUser()]
  const [mine, theirs] = [await openReset(user.id), await openReset(other.id)]
  const before = await rowOf(user.id)
  expectError(await reset(mine, 'password1'), 422, 'ValidationError')
  expect((await reset(theirs)).status).toBe(200)
  expect(await rowOf(user.id)).toEqual(before)
  expect((await reset(mine)).status).toBe(200)
})

test('16: a token dies with a change of password or email, with disabling and deleting', async () => {
  const admin = await newAdmin()
  const acts = [
    (id: number, token: string) =>
      visitor().post(
        '/api/users/change-password',
        { current_password: PASSWORD, new_password: `${NEW_PASSWORD} ${id}` },
        { token },
      ),
    (id: number, token: string) =>
      visitor().put('/api/users/me', { email: `moved-${id}-${Date.now()}@example.com` }, { token }),
    (id: number) =>
      visitor().patch(
        `/api/admins/users/${id}`,
        { is_active: false },
        { token: admin.access_token },
      ),
    (id: number) =>
      visitor().delete(`/api/admins/users/${id}`, undefined, { token: admin.access_token }),
    (_: number, token: string) =>
      visitor().delete('/api/users/me', { password: PASSWORD }, { token }),
  ]
  for (const act of acts) {
    const user = await registerUser()
    const token = await openReset(user.id)
    expect((await act(user.id, user.access_token)).status).toBeLessThan(300)
    expectError(await reset(token), 400, 'BadRequestError')
    await sql('update users set is_active = true, deleted_at = null where id = $1', [user.id])
    expectError(await reset(token), 400, 'BadRequestError')
  }
})

test('17 (GHSA-3529-5m8x-rpv3): the link comes from the configuration, never from a header; the newest wins', async () => {
  const user = await registerUser()
  await forgotten(user.email, 2, {
    Host: 'evil.example.net',
    'X-Forwarded-Host': 'evil.example.net',
    'X-Forwarded-Proto': 'http',
    'X-Original-URL': 'https://evil.example.net/',
    Forwarded: 'host=evil.example.net',
    Origin: 'https://evil.example.net',
    Referer: 'https://evil.example.net/',
  })
  const mails = (await mailsTo(user.email, 3)).filter(({ text }) => text.includes('token='))
  expect(mails).toHaveLength(2)
  expect(JSON.stringify(mails)).not.toContain('evil')
  const [older, newer] = mails.map((mail) => linkIn(mail))
  expect(newer?.origin).toBe('https://app.example.com')
  expect(newer?.pathname).toBe('/reset-password')
  expectError(await reset(older?.searchParams.get('token')), 400, 'BadRequestError')
  expect((await reset(newer?.searchParams.get('token'))).status).toBe(200)
})

test('18: a reset does not log in, clears the tries, and is told by mail; so is a change of password', async () => {
  const user = await registerUser()
  await spendTries(`user:${user.id}`, 10)
  const answer = await reset(await openReset(user.id))
  expect(answer.body).toEqual({ message: 'Password reset successful' })
  expect(answer.headers.get('Set-Cookie')).toBeNull()
  expect(await sql('select 1 from user_sessions where account_id = $1', [user.id])).toHaveLength(1)
  expect(await triesAt(`user:${user.id}`)).toBeUndefined()
  expect(subjects(await mailsTo(user.email, 2))).toEqual([
    'Welcome to ADL Production',
    'Your ADL Production password was changed',
  ])
})

test('18: at most three reset mails an hour go to an account, in any spelling, and the answers are unchanged', async () => {
  const user = await registerUser()
  await forgotten(user.email, 3)
  const [open] = await sql('select id from password_resets where user_id = $1', [user.id])
  await forgotten(user.email.toUpperCase(), 2)
  expect(await sql('select id from password_resets where user_id = $1', [user.id])).toEqual([open])
  const mails = (await mailsTo(user.email, 4)).filter(({ text }) => text.includes('token='))
  expect(mails).toHaveLength(3)
  const asked = await auditLines('user', user.id)
  expect(asked.filter(({ action }) => action === 'password_reset_requested')).toHaveLength(3)

  await sql("update attempts set resets_at = now() - interval '1 s' where key = $1", [
    `reset-mail:${user.id}`,
  ])
  await forgotten(user.email)
  expect(await sql('select id from password_resets where user_id = $1', [user.id])).not.toEqual([
    open,
  ])
})

test('18: another email is told to the old address too', async () => {
  const user = await registerUser()
  const email = `moved-${user.email}`
  const { status } = await user.caller.put('/api/users/me', { email }, { token: user.access_token })
  expect(status).toBe(200)
  expect(subjects(await mailsTo(user.email, 2))).toEqual([
    'The email address of your ADL Production account was changed',
    'Welcome to ADL Production',
  ])
  expect(subjects(await mailsTo(email))).toEqual([
    'The email address of your ADL Production account was changed',
  ])
})

test('19 (CVE-2022-35924): exactly the stored address is mailed, whatever spelling was asked for', async () => {
  const user = await registerUser()
  await forgotten(user.email.toUpperCase())
  const mails = (await mailsTo(user.email, 2)).filter(({ text }) => text.includes('token='))
  expect(mails.map(({ to }) => to)).toEqual([[user.email]])
})

test.each([
  'a@example.com,b@example.com',
  'a@example.com;b@example.com',
  '"a@example.com"@example.org',
  '"a b"@example.com',
  'a@b@example.com',
  'a\uff20example.com',
  'a@example\u3002com',
  'a@ex\u0430mple.com',
  'a@example.com\r\nBcc: b@example.com',
  'a@example.com%0d%0aBcc:b@example.com',
  'a\0@example.com',
  '<a@example.com>',
  'a@[127.0.0.1]',
  'a@localhost',
  `${'a'.repeat(250)}@example.com`,
])('19 (CVE-2022-35924): %j is no email: 422 wherever one is asked for', async (email) => {
  const body = { username: 'a name that is fine', email, password: PASSWORD }
  for (const [path, sent] of [
    ['/api/users/register', body],
    ['/api/password/forgot-password', { email }],
  ] as const) {
    const answer = await visitor().post(path, sent)
    expectError(answer, 422, 'ValidationError')
    expect(answer.body.details.errors).toMatchObject([{ field: 'email' }])
  }
})

test('19: HTML in a name is inert text in a mail or left out of it, and line breaks are 422', async () => {
  const caller = visitor()
  const id = crypto.randomUUID().slice(0, 8)
  const username = `<img src=x>${id}`
  const email = `${id}@example.com`
  const send = (full_name: string) =>
    caller.post('/api/users/register', { username, email, password: PASSWORD, full_name })
  expectError(await send('Ada\r\nBcc: b@example.com'), 422, 'ValidationError')
  const name = '<img src=x onerror=alert(1)>"\'&<a href="https://evil.example.net">'
  expect((await send(name)).status).toBe(201)
  const [welcome] = await mailsTo(email)
  expect(welcome?.html).toContain(`&lt;img src=x&gt;${id}`)
  expect(welcome?.html).not.toMatch(/<img|evil\.example/)
  expect(welcome?.subject).not.toMatch(/[\r\n<]/)
})
