/** Security sheet, fault matrix: the mail service away. */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import wranglerToml from '../../wrangler.toml?raw'
import { freshName, mailsTo, newAdmin, PASSWORD, registerUser } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import type { Fault } from '../setup/lanes.ts'
import { deliver, faulty, heldQueue, timed } from './faulty-world.ts'

const status = (status: number, body: unknown, headers: Record<string, string> = {}): Fault => ({
  kind: 'status',
  status,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
})

const FAULTS: [string, Fault][] = [
  ['refuses', { kind: 'refuse' }],
  ['hangs', { kind: 'hang' }],
  ['answers 500', status(500, { name: 'application_error', message: 'Internal', statusCode: 500 })],
  ['answers 503 without JSON', { kind: 'status', status: 503, body: '<h1>Bad Gateway</h1>' }],
  [
    'is over its rate (429)',
    status(
      429,
      { name: 'rate_limit_exceeded', message: 'Too many requests', statusCode: 429 },
      { 'retry-after': '77' },
    ),
  ],
  ['answers garbage', { kind: 'garbage' }],
  ['answers another shape', status(200, { result: 'weird' })],
  ['answers half', { kind: 'cut' }],
  ['loses its answers', { kind: 'lose-answer' }],
]

/** Milliseconds that Resend has, and a caller waits at most for what is around it. */
const MAIL_TIMEOUT = 10_000
const ANSWER_BOUND = 500

/** How much faster its clock runs here: nobody shall wait ten seconds for a test. */
const HASTE = 20

const timeout = AbortSignal.timeout.bind(AbortSignal)

let mail: Awaited<ReturnType<typeof faulty>>
let admin: Awaited<ReturnType<typeof newAdmin>>

beforeAll(async () => {
  mail = await faulty('resend')
  admin = await newAdmin()
})

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(FAULTS)('mail %s', (_, fault) => {
  it('forgot-password is 200, sent again with one key it arrives once; test-email is 502; health is 200', async () => {
    const { queue, held } = heldQueue()
    const env = mail.env({ MAIL_QUEUE: queue })
    const caller = visitor({ env })
    const name = freshName()
    const email = `${name}@example.com`
    await sql('insert into users (username, email) values ($1, $2)', [name, email])
    await mail.clear()
    const lines = vi.spyOn(console, 'log')
    const timeouts = vi
      .spyOn(AbortSignal, 'timeout')
      .mockImplementation((ms) => timeout(ms === MAIL_TIMEOUT ? ms / HASTE : ms))

    await mail.during(fault, async () => {
      expect((await caller.get('/health')).status).toBe(200)
      const forgot = await caller.post('/api/password/forgot-password', { email })
      expect(forgot.status).toBe(200)
      const [delivery, test] = await Promise.all([
        timed(() => deliver(held, env)),
        timed(() =>
          caller.post(
            '/api/password/test-email',
            { to_email: `to-${email}` },
            { token: admin.access_token },
          ),
        ),
      ])
      expect(delivery.result).toMatchObject({ taken: 0, again: [{ msgId: 'm0' }] })
      expect(timeouts).toHaveBeenCalledWith(MAIL_TIMEOUT)
      expect(delivery.took).toBeLessThan(MAIL_TIMEOUT / HASTE + ANSWER_BOUND)
      expectError(test.result, 502, 'EmailServiceError')
      expect(test.took).toBeLessThan(MAIL_TIMEOUT / HASTE + ANSWER_BOUND)
    })

    const failed = lines.mock.calls.map(String).find((line) => line.includes('reset-requested'))
    const wait = fault.kind === 'status' && fault.status === 429 ? 77 : 10
    expect(JSON.parse(failed ?? '')).toMatchObject({ event: 'mail_failed', delaySeconds: wait })

    expect(await deliver(held, env, { attempts: 2 })).toMatchObject({ taken: 1 })
    expect(await mailsTo(email)).toHaveLength(1)
    const tries = (await mail.log()).filter(({ body }) => body.includes(`"${email}"`))
    expect(tries).toHaveLength(2)
    expect(tries[0]?.headers['idempotency-key']).toBe(held[0]?.id)
    expect(tries[1]?.headers['idempotency-key']).toBe(held[0]?.id)
    expect(tries[1]?.body).toBe(tries[0]?.body)
  })
})

describe('mail refuses', () => {
  it('register and change-password are as ever, and what they owe waits in the outbox', async () => {
    const { queue, held } = heldQueue()
    const env = mail.env({ MAIL_QUEUE: queue })
    const caller = visitor({ env })
    const user = await mail.during({ kind: 'refuse' }, async () => {
      const user = await registerUser(caller)
      const changed = await caller.post(
        '/api/users/change-password',
        { current_password: PASSWORD, new_password: `${PASSWORD} 2` },
        { token: user.access_token },
      )
      expect(changed.status).toBe(200)
      expect(await deliver(held, env)).toMatchObject({ taken: 0 })
      return user
    })
    const owed = () => sql('select id from outbox where recipient = $1', [user.email])
    expect(await owed()).toHaveLength(2)
    expect(await deliver(held, env, { attempts: 2 })).toMatchObject({ taken: 2, again: [] })
    expect(await owed()).toEqual([])
    expect(await mailsTo(user.email, 2)).toHaveLength(2)
  })

  it('the mail queue refuses: register is 201 and the mail waits for the cron; forgot-password is 503', async () => {
    const away = async () => {
      throw new Error('Queue is overloaded')
    }
    const queue = { ...heldQueue().queue, send: away, sendBatch: away }
    const caller = visitor({ env: mail.env({ MAIL_QUEUE: queue }) })
    const user = await registerUser(caller)
    expect(await sql('select from outbox where recipient = $1', [user.email])).toHaveLength(1)
    const forgot = await caller.post('/api/password/forgot-password', { email: user.email })
    expectError(forgot, 503, 'ServiceUnavailableError')
  })

  it('a mail that never goes is kept: every consumer of wrangler.toml has ten retries and a dead-letter queue', () => {
    const consumers = wranglerToml.split(/^\[/m).filter((part) => /queues\.consumers\]/.test(part))
    expect(consumers).toHaveLength(3)
    for (const consumer of consumers) {
      expect(consumer).toMatch(/^max_retries = 10$/m)
      expect(consumer).toMatch(/^dead_letter_queue = "edge-accounts-.*mail-dead"$/m)
    }
  })
})
