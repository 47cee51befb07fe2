import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test'
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import type { MailMessage } from '../../src/mail/queue.ts'
import { freshName, mailsTo, registerUser } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { type Lane, openLane } from '../setup/lanes.ts'

let resend: Lane
let env: Bindings

beforeAll(async () => {
  resend = await openLane(inject('world').faultProxyUrl, 'resend')
  env = environment({ RESEND_BASE_URL: resend.url })
})

beforeEach(async () => {
  await resend.calm()
  await resend.clear()
})

afterAll(() => resend.close())

/** Hands the consumer a message of the queue, and says what became of it. */
async function deliver(body: MailMessage, { attempts = 1, to = env } = {}) {
  const id = crypto.randomUUID()
  const batch = createMessageBatch<MailMessage>('edge-accounts-mail', [
    { id, timestamp: new Date(), attempts, body },
  ])
  const retries = batch.messages.map((message) => vi.spyOn(message, 'retry'))
  await worker.queue(batch, to)
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext())
  if (retryMessages.length === 0) return explicitAcks.includes(id) ? 'acknowledged' : 'forgotten'
  expect(explicitAcks).toEqual([])
  return { retriedAfter: retries[0]?.mock.lastCall?.[0]?.delaySeconds }
}

/** Owes somebody a mail that no queue message tells of. */
async function oweMail() {
  const id = crypto.randomUUID()
  const recipient = `${freshName('owed')}@example.com`
  const mail = { kind: 'welcome', name: 'Ada', username: 'ada' }
  await sql('insert into outbox (id, recipient, mail) values ($1, $2, $3)', [id, recipient, mail])
  return { recipient, message: { type: 'owed', id } as const }
}

const isOwed = async ({ id }: { id: string }) =>
  (await sql('select 1 from outbox where id = $1', [id])).length === 1

let asked = 0

/** A request for a reset, each a moment after the one before. */
const reset = (email: string): MailMessage => ({
  type: 'reset-requested',
  id: crypto.randomUUID(),
  email,
  requestedAt: new Date(Date.now() + asked++).toISOString(),
  trace: { requestId: crypto.randomUUID(), network: null, country: null },
})

test('an owed mail delivered twice by the queue is sent once', async () => {
  const { recipient, message } = await oweMail()
  expect(await deliver(message)).toBe('acknowledged')
  expect(await isOwed(message)).toBe(false)
  expect(await deliver(message)).toBe('acknowledged')
  expect(await resend.log()).toHaveLength(1)
  const mails = await mailsTo(recipient)
  expect(mails.map(({ subject }) => subject)).toEqual(['Welcome to ADL Production'])
})

test('an owed mail whose answer got lost is sent again with the same key, and arrives once', async () => {
  const { recipient, message } = await oweMail()
  await resend.fault({ kind: 'lose-answer', times: 1 })
  expect(await deliver(message)).toEqual({ retriedAfter: 10 })
  expect(await isOwed(message)).toBe(true)
  expect(await deliver(message, { attempts: 2 })).toBe('acknowledged')
  const sent = await resend.log()
  expect(sent.map(({ headers }) => headers['idempotency-key'])).toEqual([message.id, message.id])
  expect(sent[0]?.body).toBe(sent[1]?.body)
  expect(await mailsTo(recipient)).toHaveLength(1)
})

test.each([
  [1, 10],
  [2, 20],
  [5, 160],
  [9, 2560],
  [10, 3600],
])('after try %i that failed the next one waits %i seconds', async (attempts, retriedAfter) => {
  const { message } = await oweMail()
  await resend.fault({ kind: 'status', status: 500, body: '{"name":"internal_server_error"}' })
  expect(await deliver(message, { attempts })).toEqual({ retriedAfter })
  expect(await isOwed(message)).toBe(true)
})

test.each([
  ['120', 120],
  ['5', 10],
  ['86400', 3600],
  ['soon', 10],
])('a 429 with Retry-After: %s waits %i seconds', async (retryAfter, retriedAfter) => {
  const { message } = await oweMail()
  const body = '{"name":"rate_limit_exceeded","message":"Too many requests"}'
  await resend.fault({ kind: 'status', status: 429, body, headers: { 'retry-after': retryAfter } })
  expect(await deliver(message)).toEqual({ retriedAfter })
})

test('a mail is tried again while the database, mail or the configuration is away', async () => {
  const { recipient, message } = await oweMail()
  const neon = await openLane(inject('world').faultProxyUrl, 'neon')
  await neon.fault({ kind: 'refuse' })
  for (const to of [
    environment({ NEON_HTTP_URL: neon.url }),
    environment({ RESEND_API_KEY: '' }),
    environment({ SECRET_KEY: '' }),
  ]) {
    expect(await deliver(message, { to })).toEqual({ retriedAfter: 10 })
  }
  expect(await deliver(reset(recipient), { to: environment({ EMAIL_FROM: '' }) })).toEqual({
    retriedAfter: 10,
  })
  await neon.close()
  expect(await deliver(message)).toBe('acknowledged')
  expect(await mailsTo(recipient)).toHaveLength(1)
})

/** The address that the mails of this lane hold, oldest first. */
const sentLinks = async () =>
  (await resend.log()).map(
    ({ body }) =>
      /https:\/\/[^"\s]+\/reset-password\?token=[\w.%-]+/.exec(JSON.parse(body).text)?.[0],
  )

test('a reset request delivered twice sends one mail, and the same link both times', async () => {
  const { id, email, caller } = await registerUser()
  const message = reset(email.toUpperCase())
  expect(await deliver(message)).toBe('acknowledged')
  expect(await deliver(message)).toBe('acknowledged')
  const [first, second] = await sentLinks()
  expect(first).toMatch(/^https:\/\/app\.example\.com\/reset-password\?token=/)
  expect(second).toBe(first)
  const resets = (await mailsTo(email, 2)).filter(({ subject }) => subject.startsWith('Reset'))
  expect(resets).toHaveLength(1)
  expect(await sql('select count from attempts where key = $1', [`reset-mail:${id}`])).toEqual([
    { count: 1 },
  ])
  const token = new URL(first ?? '').searchParams.get('token')
  const use = (new_password: string) =>
    caller.post('/api/password/reset-password', { token, new_password })
  expect((await use('another horse')).status).toBe(200)
  expect(await deliver(message)).toBe('acknowledged')
  expect((await use('a third horse')).status).toBe(400)
})

test('a reset request that comes late does not take the place of a newer one', async () => {
  const { id, email } = await registerUser()
  const [older, newer] = [reset(email), reset(email)]
  await deliver(newer)
  expect(await deliver(older)).toBe('acknowledged')
  expect(await resend.log()).toHaveLength(1)
  expect(await sql('select id from password_resets where user_id = $1', [id])).toEqual([
    { id: newer.id },
  ])
})

test('without a FRONTEND_URL the link leads to the Worker’s own page', async () => {
  const { email } = await registerUser()
  const to = environment({ FRONTEND_URL: '', RESEND_BASE_URL: resend.url })
  await deliver(reset(email), { to })
  const [link] = await sentLinks()
  expect(link).toMatch(/^https:\/\/accounts\.example\.com\/reset-password\?token=/)
  const { pathname, search } = new URL(link ?? '')
  expect((await visitor().get(pathname + search)).status).toBe(200)
})

test('a reset request for an unknown, disabled or deleted account sends nothing', async () => {
  const { id, email } = await registerUser()
  expect(await deliver(reset(`${freshName()}@example.com`))).toBe('acknowledged')
  await sql('update users set is_active = false where id = $1', [id])
  expect(await deliver(reset(email))).toBe('acknowledged')
  await sql('update users set is_active = true, deleted_at = now() where id = $1', [id])
  expect(await deliver(reset(email))).toBe('acknowledged')
  expect(await resend.log()).toEqual([])
  expect(await sql('select 1 from password_resets where user_id = $1', [id])).toEqual([])
})

test('a message that comes late, or once more, does not take the place of a newer reset', async () => {
  const { id, email } = await registerUser()
  const [older, newer] = [reset(email), reset(email)]
  await deliver(older)
  await deliver(newer)
  const valid = () => sql('select id from password_resets where user_id = $1', [id])
  await deliver(older)
  expect(await valid()).toEqual([{ id: newer.id }])
  await sql('delete from password_resets where user_id = $1', [id])
  await deliver(older)
  await deliver(newer)
  expect(await valid()).toEqual([])
  expect(await resend.log()).toHaveLength(2)
})

test('an account gets three reset mails an hour, and the last link stays valid', async () => {
  const { id, email } = await registerUser()
  const requests = [reset(email), reset(email), reset(email), reset(email)]
  for (const request of requests) expect(await deliver(request)).toBe('acknowledged')
  expect(await resend.log()).toHaveLength(3)
  expect(await sql('select id from password_resets where user_id = $1', [id])).toEqual([
    { id: requests[2]?.id },
  ])
  await sql("update attempts set resets_at = now() - interval '1 second' where key = $1", [
    `reset-mail:${id}`,
  ])
  await deliver(reset(email))
  expect(await resend.log()).toHaveLength(4)
})
