import { createHash } from 'node:crypto'
import { expect, test, vi } from 'vitest'
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
import { expectDuplicate } from '../setup/shapes.ts'
import { atOnce, auditLines, tally } from './attack.ts'
import { changePassword, forgotPassword } from './calls.ts'

const put = (token: string, body: unknown, client = visitor()) =>
  client.put('/api/users/me', body, { token })

/** The number of emails to an address, in any case, once all were sent. */
async function emailsTo(address: string) {
  const waiting = () => sql('select 1 from outbox where lower(recipient) = $1', [address])
  await vi.waitUntil(async () => (await waiting()).length === 0, { timeout: 10_000 })
  const spellings = [address, address.toUpperCase()]
  const mails = await Promise.all(spellings.map((spelling) => mailsTo(spelling, 0)))
  return mails.flat().length
}

test('7 (API4:2023): PUT /api/users/me shows whether a name is taken at most twenty times an hour for an address, as registration does', async () => {
  const [{ access_token: token }, other] = [await newUser(), await newUser()]
  const client = visitor()
  const responses = await atOnce(30, (i) =>
    put(token, i % 2 ? { email: other.email } : { username: other.username }, client),
  )
  expect(tally(responses)).toEqual({ 409: 20, 429: 10 })
  const limited = responses.find(({ status }) => status === 429)
  expect(limited?.headers.get('RateLimit-Policy')).toContain('"profile";q=20;w=3600')
  expectError(await put(token, { email: newcomer().email }, client), 429, 'RateLimitError')
  expect((await put(token, { full_name: 'Ada' }, client)).status).toBe(200)
})

test('18: an account changes its email five times a day, from any address; then 429, and nothing else of the body changes', async () => {
  const { id, access_token: token } = await newUser()
  const emails = Array.from({ length: 7 }, () => newcomer().email)
  const responses = []
  for (const email of emails) responses.push(await put(token, { email, full_name: email }))
  expect(tally(responses)).toEqual({ 200: 5, 429: 2 })
  const retryAfter = Number(responses.at(-1)?.headers.get('Retry-After'))
  expect(retryAfter).toBeGreaterThan(23 * 3600)
  const rows = await sql('select email, full_name from users where id = $1', [id])
  expect(rows).toEqual([{ email: emails[4], full_name: emails[4] }])
  expect((await put(token, { full_name: 'Ada' })).status).toBe(200)
  expect((await put(token, { email: emails[4]?.toUpperCase() })).status).toBe(200)
})

test('18: fifty parallel changes of email are five', async () => {
  const { id, access_token: token } = await newUser()
  const responses = await atOnce(50, () => put(token, { email: newcomer().email }))
  expect(tally(responses)).toEqual({ 200: 5, 429: 45 })
  const changes = (await auditLines('user', id)).filter(({ action }) => action === 'email_change')
  expect(changes).toHaveLength(5)
})

test('18: a taken email is 409 and not one of the five', async () => {
  const [{ access_token: token }, other] = [await newUser(), await newUser()]
  for (let i = 0; i < 6; i++) {
    expectDuplicate(await put(token, { email: other.email }), 'User', 'email')
  }
  expect((await put(token, { email: newcomer().email })).status).toBe(200)
})

test('18: an address that people only type gets six notices and six other emails a day, whoever types it and how often, resets included', async () => {
  const victim = newcomer().email
  for (let account = 0; account < 3; account++) {
    const { email, access_token: token } = await newUser()
    for (const next of [victim, email, victim.toUpperCase(), email]) {
      expect((await put(token, { email: next })).status).toBe(200)
    }
  }
  expect((await registerUser(visitor(), victim.split('@')[0])).email).toBe(victim)
  const requests = () =>
    sql<{ count: number }>("select count from attempts where key = 'email-request:' || $1", [
      createHash('sha256').update(victim).digest('hex'),
    ])
  for (let i = 2; i <= 8; i++) {
    expect((await forgotPassword(victim)).status).toBe(200)
    await vi.waitUntil(async () => (await requests())[0]?.count === i, { timeout: 10_000 })
    // As if another hour had begun: an account gets six of them in one.
    if (i === 7) await sql('delete from attempts where key ~ $1', ['^reset-mail'])
  }
  expect(await emailsTo(victim)).toBe(6 + 6)
}, 60_000)

test('18: who has had an address for a day is told of its change, whatever strangers have sent there', async () => {
  const { id, email, access_token: token } = await newUser()
  await sql("update users set created_at = now() - interval '25 hours' where id = $1", [id])
  await sql(
    `insert into attempts
     select 'email-' || what || ':' || encode(sha256($1::bytea), 'hex'), 99, now() + interval '1 day'
     from unnest(array['notice', 'request']) as what`,
    [`\\x${Buffer.from(email).toString('hex')}`],
  )
  const next = newcomer().email
  expect((await put(token, { email: next })).status).toBe(200)
  expect(await emailsTo(email)).toBe(1)
  expect((await put(token, { email })).status).toBe(200)
  expect([await emailsTo(email), await emailsTo(next)]).toEqual([1, 2])
})

test.each([
  ['users', newUser],
  ['admins', newAdmin],
] as const)(
  '18: an account of %s changes its password ten times a day; then 429 with the old one still valid',
  async (type, create) => {
    const { caller, username, access_token: token } = await create()
    let current = PASSWORD
    const responses = []
    for (let i = 0; i < 11; i++) {
      const next = `password number ${i}`
      const options = { type, client: visitor() }
      const response = await changePassword(token, current, next, options)
      if (response.status === 200) current = next
      responses.push(response)
    }
    expect(tally(responses)).toEqual({ 200: 10, 429: 1 })
    expect(current).toBe('password number 9')
    const login = await caller.post(`/api/${type}/login`, { username, password: current })
    expect(login.status).toBe(200)

    // The password was right: these are no failed attempts.
    for (let i = 0; i < 10; i++) {
      const options = { type, client: visitor({ address: caller.address }) }
      expect((await changePassword(token, current, `password ${i}`, options)).status).toBe(429)
    }
    const again = await caller.post(`/api/${type}/login`, { username, password: current })
    expect(again.status).toBe(200)
  },
  60_000,
)

test('18: an admin sends twenty test emails a day, from any address', async () => {
  const { access_token: token } = await newAdmin()
  const { email } = newcomer()
  const responses = await atOnce(25, () =>
    visitor({ token }).post('/api/password/test-email', { to_email: email }),
  )
  expect(tally(responses)).toEqual({ 200: 20, 429: 5 })
})

test('18: who has lost the email to a thief gets it back after changing the password, however often the thief has changed it', async () => {
  const { caller, id, username, email, access_token: stolen } = await newUser()
  await sql("update users set created_at = now() - interval '2 days' where id = $1", [id])
  for (let i = 0; i < 5; i++) {
    expect((await put(stolen, { email: newcomer().email })).status).toBe(200)
  }
  expect((await put(stolen, { email: newcomer().email })).status).toBe(429)
  const { access_token: token } = await logIn(caller, username)
  expect((await changePassword(token, PASSWORD)).status).toBe(200)
  expect((await put(token, { email })).status).toBe(200)
})

test('18: the owner is told of each change of the email, to and fro, also when the address was theirs for a moment only', async () => {
  const { id, email, access_token: stolen } = await newUser()
  await sql("update users set created_at = now() - interval '2 days' where id = $1", [id])
  const thief = [newcomer().email, newcomer().email, newcomer().email]
  for (const next of [thief[0], email, thief[1], email, thief[2]]) {
    expect((await put(stolen, { email: next })).status).toBe(200)
  }
  expect(await emailsTo(email)).toBe(5)
})

test('18: an address that is passed from account to account gets six notices a day', async () => {
  const victim = newcomer().email
  for (let account = 0; account < 3; account++) {
    const { email, access_token: token } = await newUser()
    expect((await put(token, { email: victim })).status).toBe(200)
    let current = PASSWORD
    for (let i = 0; i < 3; i++) {
      expect((await changePassword(token, current, `password number ${i}`)).status).toBe(200)
      current = `password number ${i}`
    }
    expect((await put(token, { email })).status).toBe(200)
  }
  expect(await emailsTo(victim)).toBe(6)
}, 60_000)
