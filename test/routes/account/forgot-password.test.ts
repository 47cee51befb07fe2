import { describe, expect, test } from 'vitest'
import { freshName, mailsTo, newAdmin, newUser } from '../../setup/accounts.ts'
import { environment, expectError, visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid, expectResponse } from '../../setup/shapes.ts'

const SENT = { message: 'If the email exists, a reset link will be sent' }

const fail = () => Promise.reject(new Error('The queue is down'))

describe.each([
  {
    path: '/api/password/forgot-password',
    create: () => newUser(),
    resets: 'password_resets where user_id',
    link: /^https:\/\/app\.example\.com\/reset-password\?token=\S+$/m,
  },
  {
    path: '/api/admins/forgot-password',
    create: () => newAdmin(),
    resets: 'admin_password_resets where admin_id',
    link: /^https:\/\/accounts\.example\.com\/reset-password#token=\S+&account=admin$/m,
  },
])('POST $path', ({ path, create, resets, link }) => {
  test('returns 200 for any address, and sends a link to a known one', async () => {
    const { caller, id, email } = await create()
    const known = await caller.post(path, { email: email.toUpperCase() })
    const unknown = await visitor().post(path, { email: `${freshName()}@example.com` })
    for (const response of [known, unknown]) expectResponse(response, 200, SENT)
    expect([...known.headers.keys()]).toEqual([...unknown.headers.keys()])

    const [mail] = await mailsTo(email)
    expect(mail?.subject).toBe('Reset your ADL Production password')
    expect(mail?.text).toMatch(link)
    expect(mail?.text).toContain('expires in 60 minutes')
    const open = await sql(
      `select round(extract(epoch from expires_at - now()) / 60)::int as minutes
       from ${resets} = $1`,
      [id],
    )
    expect(open).toEqual([{ minutes: 60 }])
  })

  test.each([{ email: 'ada' }, { email: '' }, {}])('returns 422 for %j', async (body) => {
    expectInvalid(await visitor().post(path, body), 'email')
  })

  test.each([
    ['is not configured', { RESEND_API_KEY: '' }, 'Mail is not configured'],
    [
      'has an outage of its queue',
      { MAIL_QUEUE: { send: fail, sendBatch: fail, metrics: fail } },
      'Mail is not available right now, please try again',
    ],
  ])('returns 503 when mail %s', async (_, replaced, message) => {
    const caller = visitor({ env: environment(replaced) })
    const response = await caller.post(path, { email: 'ada@example.com' })
    expectError(response, 503, 'ServiceUnavailableError', message)
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0)
  })
})

test('POST forgot-password of one account type sends nothing to an account of the other', async () => {
  const [user, admin] = [await newUser(), await newAdmin()]
  await visitor().post('/api/admins/forgot-password', { email: user.email })
  await visitor().post('/api/password/forgot-password', { email: admin.email })
  await visitor().post('/api/password/forgot-password', { email: user.email })
  expect(await mailsTo(user.email)).toHaveLength(1)
  expect(await mailsTo(admin.email, 1, 0)).toEqual([])
})
