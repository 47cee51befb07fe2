import { afterEach, expect, test, vi } from 'vitest'
import { mailsTo, newAdmin, PASSWORD, registerUser } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { changePassword, forgotPassword, NEW_PASSWORD } from './calls.ts'
import { listen } from './captured-log.ts'
import {
  deliver,
  faulty,
  heldQueue,
  mailOnlyUser,
  type NamedFault,
  RESPONSE_LOST,
  responds,
  timed,
  UNREACHABLE,
} from './faulty-world.ts'

const resendError = (statusCode: number, name: string, headers = {}) =>
  responds(statusCode, { name, message: 'An error', statusCode }, headers)

const FAULTS: NamedFault[] = [
  ...UNREACHABLE,
  ...RESPONSE_LOST,
  ['responds with 500', resendError(500, 'application_error')],
  [
    'is over its rate limit (429)',
    resendError(429, 'rate_limit_exceeded', { 'retry-after': '77' }),
  ],
  ['responds with another shape', responds(200, { result: 'weird' })],
]

const MAIL_TIMEOUT_MS = 10_000

/** The timeout is shorter here, by this factor. */
const SPEEDUP = 20

/** What a caller waits at most: the timeout, and everything else. */
const BOUND_MS = MAIL_TIMEOUT_MS / SPEEDUP + 500

const timeout = AbortSignal.timeout.bind(AbortSignal)
const mail = await faulty('resend')
const admin = await newAdmin()

afterEach(() => vi.restoreAllMocks())

test.each(FAULTS)(
  'Fault matrix: while the mail service %s, forgot-password and health are 200, test-email is 502; the retry has the same idempotency key and one email arrives',
  async (_, fault) => {
    const { queue, held } = heldQueue()
    const env = mail.env({ MAIL_QUEUE: queue })
    const client = visitor({ env })
    const email = await mailOnlyUser()
    await mail.clear()
    const output = listen()
    const timeouts = vi
      .spyOn(AbortSignal, 'timeout')
      .mockImplementation((ms) => timeout(ms === MAIL_TIMEOUT_MS ? ms / SPEEDUP : ms))

    await mail.during(fault, async () => {
      expect((await client.get('/health')).status).toBe(200)
      expect((await forgotPassword(email, { client })).status).toBe(200)
      const token = admin.access_token
      const testEmail = { to_email: `to-${email}` }
      const [delivery, sent] = await Promise.all([
        timed(() => deliver(held, env)),
        timed(() => client.post('/api/password/test-email', testEmail, { token })),
      ])
      expect(delivery.result).toEqual({ acknowledged: 0, retried: ['m0'] })
      expect(timeouts).toHaveBeenCalledWith(MAIL_TIMEOUT_MS)
      expectError(sent.result, 502, 'EmailServiceError')
      expect(Math.max(delivery.took, sent.took)).toBeLessThan(BOUND_MS)
    })

    const failed = output.texts().find((line) => line.includes('reset-requested'))
    const delaySeconds = fault.kind === 'status' && fault.status === 429 ? 77 : 10
    expect(JSON.parse(failed ?? '')).toMatchObject({ event: 'mail_failed', delaySeconds })

    expect(await deliver(held, env, 2)).toMatchObject({ acknowledged: 1 })
    expect(await mailsTo(email)).toHaveLength(1)
    const attempts = (await mail.log()).filter(({ body }) => body.includes(`"${email}"`))
    const keys = attempts.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toEqual([held[0]?.id, held[0]?.id])
    expect(attempts[1]?.body).toBe(attempts[0]?.body)
  },
)

test('Fault matrix: while the mail service closes connections, register is 201 and change-password is 200; their emails wait in the outbox', async () => {
  const { queue, held } = heldQueue()
  const env = mail.env({ MAIL_QUEUE: queue })
  const client = visitor({ env })
  const { email } = await mail.during({ kind: 'disconnect' }, async () => {
    const user = await registerUser(client)
    const changed = await changePassword(user.access_token, PASSWORD, NEW_PASSWORD, { client })
    expect(changed.status).toBe(200)
    expect(await deliver(held, env)).toMatchObject({ acknowledged: 0 })
    return user
  })
  const pending = () => sql('select id from outbox where recipient = $1', [email])
  expect(await pending()).toHaveLength(2)
  expect(await deliver(held, env, 2)).toEqual({ acknowledged: 2, retried: [] })
  expect(await pending()).toEqual([])
  expect(await mailsTo(email, 2)).toHaveLength(2)
})
