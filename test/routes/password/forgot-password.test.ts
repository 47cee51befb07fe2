import { expect, test } from 'vitest'
import { freshName, mailsTo, newUser } from '../../setup/accounts.ts'
import { environment, expectError, visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid, expectResponse } from '../../setup/shapes.ts'

const FORGOT = '/api/password/forgot-password'

test('POST /api/password/forgot-password returns 200 for any address, and sends a link to a known one', async () => {
  const { caller, id, email } = await newUser()
  const known = await caller.post(FORGOT, { email: email.toUpperCase() })
  const unknown = await visitor().post(FORGOT, { email: `${freshName()}@example.com` })
  for (const response of [known, unknown]) {
    expectResponse(response, 200, { message: 'If the email exists, a reset link will be sent' })
  }
  expect([...known.headers.keys()]).toEqual([...unknown.headers.keys()])

  const [mail] = await mailsTo(email)
  expect(mail?.subject).toBe('Reset your ADL Production password')
  expect(mail?.text).toMatch(/^https:\/\/app\.example\.com\/reset-password\?token=\S+$/m)
  expect(mail?.text).toContain('expires in 60 minutes')
  const resets = await sql(
    `select round(extract(epoch from expires_at - now()) / 60)::int as minutes
     from password_resets where user_id = $1`,
    [id],
  )
  expect(resets).toEqual([{ minutes: 60 }])
})

test.each([{ email: 'ada' }, { email: '' }, {}])(
  'POST /api/password/forgot-password returns 422 for %j',
  async (body) => {
    expectInvalid(await visitor().post(FORGOT, body), 'email')
  },
)

const fail = () => Promise.reject(new Error('The queue is down'))

test.each([
  ['is not configured', { RESEND_API_KEY: '' }, 'Mail is not configured'],
  [
    'has an outage of its queue',
    { MAIL_QUEUE: { send: fail, sendBatch: fail, metrics: fail } },
    'Mail is not available right now, please try again',
  ],
])('POST /api/password/forgot-password returns 503 when mail %s', async (_, replaced, message) => {
  const caller = visitor({ env: environment(replaced) })
  const response = await caller.post(FORGOT, { email: 'ada@example.com' })
  expectError(response, 503, 'ServiceUnavailableError', message)
  expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0)
})
