import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { freshName, mailsTo, newAdmin, newUser } from '../../setup/accounts.ts'
import { environment, expectError, visitor } from '../../setup/api.ts'
import { type Lane, openLane } from '../../setup/lanes.ts'
import { expectInvalid, expectResponse, expectUnauthenticated } from '../../setup/shapes.ts'

let resend: Lane
let admin: Awaited<ReturnType<typeof newAdmin>>

beforeAll(async () => {
  resend = await openLane(inject('world').faultProxyUrl, 'resend')
  admin = await newAdmin()
})

afterAll(() => resend.close())

const sendTestEmail = (
  to_email: unknown = 'ada@example.com',
  { token = admin.access_token, caller = visitor() } = {},
) => caller.post('/api/password/test-email', { to_email }, { token })

test('POST /api/password/test-email returns 200 once the email is sent', async () => {
  const address = `${freshName()}@example.com`
  expectResponse(await sendTestEmail(address), 200, { message: 'Test email sent' })
  expect(await mailsTo(address, 1, 0)).toMatchObject([
    { subject: 'Test email from ADL Production' },
  ])
})

test('POST /api/password/test-email returns 403 for a user, 422 for an invalid address, 401 after logout', async () => {
  const [user, leaving] = [await newUser(), await newAdmin()]
  const byUser = await sendTestEmail('ada@example.com', { token: user.access_token })
  expectError(byUser, 403, 'AuthorizationError', 'This needs the token of an admin')
  expectInvalid(await sendTestEmail('nobody'), 'to_email')
  await visitor().post('/api/admins/logout', { refresh_token: leaving.refresh_token })
  expectUnauthenticated(await sendTestEmail('ada@example.com', { token: leaving.access_token }))
})

test.each([
  [
    'rejects the email',
    { kind: 'status', status: 429, body: '{"name":"rate_limit_exceeded","message":"Slow down"}' },
    'rate_limit_exceeded',
  ],
  ['closes the connection', { kind: 'disconnect' }, expect.any(String)],
  ['returns garbage', { kind: 'garbage' }, expect.any(String)],
] as const)(
  'POST /api/password/test-email returns 502 with the reason when Resend %s',
  async (_, fault, reason) => {
    const caller = visitor({ env: environment({ RESEND_BASE_URL: resend.url }) })
    await resend.fault({ ...fault, times: 1 })
    const response = await sendTestEmail('ada@example.com', { caller })
    const message = 'The mail service did not accept the email'
    expectError(response, 502, 'EmailServiceError', message)
    expect(response.body.details).toEqual({ reason })
    expect((await sendTestEmail('ada@example.com', { caller })).status).toBe(200)
  },
)

test('POST /api/password/test-email returns 503 when mail is not configured', async () => {
  const caller = visitor({ env: environment({ EMAIL_FROM: '' }) })
  const response = await sendTestEmail('ada@example.com', { caller })
  expectError(response, 503, 'ServiceUnavailableError', 'Mail is not configured')
  expect(response.headers.get('Retry-After')).toMatch(/^\d+$/)
})
