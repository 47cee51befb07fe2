import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test'
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import type { MailMessage } from '../../src/mail/queue.ts'
import { freshName, mailsTo, newAdmin, newUser } from '../setup/accounts.ts'
import { environment } from '../setup/api.ts'
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

/** Delivers a message to the consumer, and returns what it did with it. */
async function deliver(body: MailMessage, { attempts = 1, to = env } = {}) {
  const id = crypto.randomUUID()
  const batch = createMessageBatch<MailMessage>('edge-accounts-mail', [
    { id, timestamp: new Date(), attempts, body },
  ])
  const retries = batch.messages.map((message) => vi.spyOn(message, 'retry'))
  await worker.queue(batch, to, createExecutionContext())
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext())
  if (retryMessages.length === 0) return explicitAcks.includes(id) ? 'acknowledged' : 'ignored'
  expect(explicitAcks).toEqual([])
  return { retriedAfter: retries[0]?.mock.lastCall?.[0]?.delaySeconds }
}

/** Adds a mail to the outbox, without a queue message. */
async function addPending() {
  const id = crypto.randomUUID()
  const recipient = `${freshName('pending')}@example.com`
  const mail = { kind: 'welcome', name: 'Ada', username: 'ada' }
  await sql('insert into outbox (id, recipient, mail) values ($1, $2, $3)', [id, recipient, mail])
  const isPending = async () => (await sql('select 1 from outbox where id = $1', [id])).length === 1
  return { recipient, message: { type: 'owed', id } as const, isPending }
}

let requested = 0

/** A request for a reset, each a moment after the one before. */
const reset = (email: string, network: string | null = null) => ({
  type: 'reset-requested' as const,
  id: crypto.randomUUID(),
  email,
  requestedAt: new Date(Date.now() + requested++).toISOString(),
  trace: { requestId: crypto.randomUUID(), network, country: null },
})

const resetsOf = (userId: number) =>
  sql('select id from password_resets where user_id = $1', [userId])

test('the last attempt that the queue makes is logged as a dead letter, no other', async () => {
  const { message } = await addPending()
  await resend.fault({ kind: 'status', status: 500 })
  const log = vi.spyOn(console, 'log')
  const lines = () =>
    log.mock.calls
      .map(([line]) => JSON.parse(String(line)))
      .filter(({ event }) => /^mail_/.test(event))
  await deliver(message, { attempts: 10 })
  await deliver(message, { attempts: 11 })
  expect(lines()).toMatchObject([
    { level: 'warn', event: 'mail_failed', type: 'owed', attempts: 10 },
    { level: 'error', event: 'mail_dead', type: 'owed', attempts: 11 },
  ])
  log.mockRestore()
})

test('a pending mail delivered twice by the queue is sent once', async () => {
  const { recipient, message, isPending } = await addPending()
  expect(await deliver(message)).toBe('acknowledged')
  expect(await isPending()).toBe(false)
  expect(await deliver(message)).toBe('acknowledged')
  expect(await resend.log()).toHaveLength(1)
  expect(await mailsTo(recipient)).toMatchObject([{ subject: 'Welcome to ADL Production' }])
})

test.each([
  [{ SIGN_IN_URL: 'https://app.acme.io/login' }, 'https://app.acme.io/login'],
  [{}, 'https://app.example.com'],
  // PUBLIC_URL is the API: nobody signs in there.
  [{ FRONTEND_URL: '' }, undefined],
])('the welcome email has the brand, and with %j the link %s', async (variables, link) => {
  const { recipient, message } = await addPending()
  const to = { ...env, ...variables, PROJECT_NAME: 'Acme', BRAND_COLOR: '#0f766e' }
  expect(await deliver(message, { to })).toBe('acknowledged')
  const [mail] = await mailsTo(recipient)
  expect(mail?.subject).toBe('Welcome to Acme')
  expect(/https?:\S+/.exec(mail?.text ?? '')?.[0]).toBe(link)
  expect(mail?.html.includes('bgcolor="#0f766e"')).toBe(link !== undefined)
})

test('a pending mail whose response is lost is sent again with the same key, and arrives once', async () => {
  const { recipient, message, isPending } = await addPending()
  await resend.fault({ kind: 'lose-response', times: 1 })
  expect(await deliver(message)).toEqual({ retriedAfter: 10 })
  expect(await isPending()).toBe(true)
  expect(await deliver(message, { attempts: 2 })).toBe('acknowledged')
  const sent = await resend.log()
  expect(sent.map(({ headers }) => headers['idempotency-key'])).toEqual([message.id, message.id])
  expect(sent[1]?.body).toBe(sent[0]?.body)
  expect(await mailsTo(recipient)).toHaveLength(1)
})

test.each([
  [1, 10],
  [2, 20],
  [5, 160],
  [9, 2560],
  [10, 3600],
])('after failed attempt %i the next one waits %i seconds', async (attempts, retriedAfter) => {
  const { message, isPending } = await addPending()
  await resend.fault({ kind: 'status', status: 500, body: '{"name":"internal_server_error"}' })
  expect(await deliver(message, { attempts })).toEqual({ retriedAfter })
  expect(await isPending()).toBe(true)
})

test.each([
  ['120', 120],
  ['5', 10],
  ['86400', 3600],
  ['soon', 10],
])(
  'after a 429 with Retry-After: %s the next attempt waits %i seconds',
  async (retryAfter, retriedAfter) => {
    const { message } = await addPending()
    const body = '{"name":"rate_limit_exceeded","message":"Too many requests"}'
    await resend.fault({
      kind: 'status',
      status: 429,
      body,
      headers: { 'retry-after': retryAfter },
    })
    expect(await deliver(message)).toEqual({ retriedAfter })
  },
)

test('a mail is retried during an outage of the database, and without a configuration', async () => {
  const { recipient, message } = await addPending()
  const neon = await openLane(inject('world').faultProxyUrl, 'neon')
  await neon.fault({ kind: 'disconnect' })
  for (const [body, replaced] of [
    [message, { NEON_HTTP_URL: neon.url }],
    [message, { RESEND_API_KEY: '' }],
    [message, { SECRET_KEY: '' }],
    [reset(recipient), { EMAIL_FROM: '' }],
  ] as const) {
    expect(await deliver(body, { to: environment(replaced) })).toEqual({ retriedAfter: 10 })
  }
  await neon.close()
  expect(await deliver(message)).toBe('acknowledged')
  expect(await mailsTo(recipient)).toHaveLength(1)
})

/** The reset links that went through this lane, oldest first. */
const sentLinks = async () =>
  (await resend.log()).map(
    ({ body }) =>
      /https:\/\/[^"\s]+\/reset-password[?#]token=[\w.%&=-]+/.exec(JSON.parse(body).text)?.[0],
  )

test('a reset request delivered twice sends one mail, with one link that works once', async () => {
  const { id, email, caller } = await newUser()
  const message = reset(email.toUpperCase())
  expect(await deliver(message)).toBe('acknowledged')
  expect(await deliver(message)).toBe('acknowledged')
  const [first, second] = await sentLinks()
  expect(first).toMatch(/^https:\/\/app\.example\.com\/reset-password\?token=/)
  expect(second).toBe(first)
  expect(await mailsTo(email)).toMatchObject([{ subject: 'Reset your ADL Production password' }])
  expect(await sql('select count from attempts where key = $1', [`reset-mail:user:${id}`])).toEqual(
    [{ count: 1 }],
  )
  const token = new URL(first ?? '').searchParams.get('token')
  const use = async (new_password: string) =>
    (await caller.post('/api/password/reset-password', { token, new_password })).status
  expect(await use('another horse')).toBe(200)
  expect(await deliver(message)).toBe('acknowledged')
  expect(await use('a third horse')).toBe(400)
})

test.each([
  ['user', {}, /^https:\/\/app\.example\.com\/reset-password\?token=[\w.-]+$/],
  [
    'user',
    { FRONTEND_URL: '' },
    /^https:\/\/accounts\.example\.com\/reset-password#token=[\w.-]+$/,
  ],
  ['admin', {}, /^https:\/\/accounts\.example\.com\/reset-password#token=[\w.-]+&account=admin$/],
  [
    'admin',
    { PUBLIC_URL: '' },
    /^https:\/\/app\.example\.com\/admin\/reset-password\?token=[\w.-]+$/,
  ],
] as const)(
  'the reset link of a %s with %j matches %s',
  async (accountType, replaced, expected) => {
    const { email } = accountType === 'user' ? await newUser() : await newAdmin()
    const to = environment({ RESEND_BASE_URL: resend.url, ...replaced })
    expect(await deliver({ ...reset(email), accountType }, { to })).toBe('acknowledged')
    const [link = ''] = await sentLinks()
    expect(link).toMatch(expected)
  },
)

test('a reset link that is sent again, its response lost, has a key of its own and the same body at each attempt', async () => {
  const { id, email } = await newUser()
  for (let i = 0; i < 3; i++) await deliver(reset(email))
  const before = await resetsOf(id)
  const again = reset(email, '198.51.100.0/24')
  await resend.clear()
  await resend.fault({ kind: 'lose-response', times: 1 })
  expect(await deliver(again)).toEqual({ retriedAfter: 10 })
  expect(await deliver(again, { attempts: 2 })).toBe('acknowledged')
  const sent = await resend.log()
  expect(sent.map(({ headers }) => headers['idempotency-key'])).toEqual([again.id, again.id])
  expect(sent[1]?.body).toBe(sent[0]?.body)
  expect(await resetsOf(id)).toEqual(before)
  expect(await mailsTo(email, 4)).toHaveLength(4)
})

test('a reset request for an unknown, disabled or deleted account sends nothing', async () => {
  const { id, email } = await newUser()
  expect(await deliver(reset(`${freshName()}@example.com`))).toBe('acknowledged')
  for (const columns of ['is_active = false', 'is_active = true, deleted_at = now()']) {
    await sql(`update users set ${columns} where id = $1`, [id])
    expect(await deliver(reset(email))).toBe('acknowledged')
  }
  expect(await resend.log()).toEqual([])
  expect(await resetsOf(id)).toEqual([])
})

test.each([
  ['delivered late', false, 1],
  ['delivered again', true, 2],
])('a reset request that is %s does not replace a newer one', async (_, deliverFirst, sent) => {
  const { id, email } = await newUser()
  const [older, newer] = [reset(email), reset(email)]
  if (deliverFirst) await deliver(older)
  await deliver(newer)
  expect(await deliver(older)).toBe('acknowledged')
  expect(await resetsOf(id)).toEqual([{ id: newer.id }])
  await sql('delete from password_resets where user_id = $1', [id])
  await deliver(older)
  await deliver(newer)
  expect(await resetsOf(id)).toEqual([])
  expect(await resend.log()).toHaveLength(sent)
})

test('a message whose email is gone is acknowledged, and not logged as sent', async () => {
  const log = vi.spyOn(console, 'log')
  const before = log.mock.calls.length
  expect(await deliver({ type: 'owed', id: crypto.randomUUID() })).toBe('acknowledged')
  expect(await deliver(reset(`${freshName()}@example.com`))).toBe('acknowledged')
  const events = log.mock.calls.slice(before).map(([line]) => JSON.parse(String(line)).event)
  expect(events).toEqual(['password_reset_not_sent'])
  expect(await resend.log()).toEqual([])
})
