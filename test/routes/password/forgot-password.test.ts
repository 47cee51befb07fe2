import { expect, test } from 'vitest'
import { freshName, mailsTo, registerUser } from '../../setup/accounts.ts'
import { environment, expectError, visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid } from '../../setup/shapes.ts'

const FORGOT = '/api/password/forgot-password'

test('POST /api/password/forgot-password answers alike for known and unknown, and mails the known', async () => {
  const { caller, id, email } = await registerUser()
  const known = await caller.post(FORGOT, { email: email.toUpperCase() })
  const unknown = await visitor().post(FORGOT, { email: `${freshName()}@example.com` })
  for (const { status, body } of [known, unknown]) {
    expect(status).toBe(200)
    expect(body).toEqual({ message: 'If the email exists, a reset link will be sent' })
  }
  const names = ({ headers }: { headers: Headers }) => [...headers.keys()].sort()
  expect(names(known)).toEqual(names(unknown))

  const mails = await mailsTo(email, 2)
  const mail = mails.find(({ subject }) => subject === 'Reset your ADL Production password')
  expect(mail?.text).toMatch(/^https:\/\/app\.example\.com\/reset-password\?token=\S+$/m)
  expect(mail?.text).toContain('for 60 minutes')
  const [reset] = await sql(
    'select round(extract(epoch from expires_at - now()) / 60)::int as minutes from password_resets where user_id = $1',
    [id],
  )
  expect(reset).toEqual({ minutes: 60 })
})

test('POST /api/password/forgot-password answers 422 for what is no address', async () => {
  for (const email of ['ada', '', 7, null, { $ne: '' }, 'a@b.example,c@d.example']) {
    expectInvalid(await visitor().post(FORGOT, { email }), 'email')
  }
  expectInvalid(await visitor().post(FORGOT, {}), 'email')
})

test('POST /api/password/forgot-password answers 503 when mail is not configured or the queue is away', async () => {
  const withoutMail = visitor({ env: environment({ RESEND_API_KEY: '' }) })
  const refused = await withoutMail.post(FORGOT, { email: 'ada@example.com' })
  expectError(refused, 503, 'ServiceUnavailableError', 'Mail is not configured')

  const away = () => Promise.reject(new Error('The queue is away'))
  const queue = { send: away, sendBatch: away, metrics: away }
  const withoutQueue = visitor({ env: environment({ MAIL_QUEUE: queue }) })
  const answer = await withoutQueue.post(FORGOT, { email: 'ada@example.com' })
  const message = 'Mail is not available right now, please try again'
  expectError(answer, 503, 'ServiceUnavailableError', message)
  expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0)
})
