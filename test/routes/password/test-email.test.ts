import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { freshName, mailsTo, newAdmin, newUser } from '../../setup/accounts.ts'
import { environment, expectError, visitor } from '../../setup/api.ts'
import { type Lane, openLane } from '../../setup/lanes.ts'
import { expectInvalid, expectUnauthenticated } from '../../setup/shapes.ts'

const TEST_EMAIL = '/api/password/test-email'

let resend: Lane

beforeAll(async () => {
  resend = await openLane(inject('world').faultProxyUrl, 'resend')
})

afterAll(() => resend.close())

test('POST /api/password/test-email sends a mail before it answers', async () => {
  const { caller, access_token: token } = await newAdmin()
  const to_email = `${freshName()}@example.com`
  const { status, body } = await caller.post(TEST_EMAIL, { to_email }, { token })
  expect(status).toBe(200)
  expect(body).toEqual({ message: 'Test email sent' })
  const [mail] = await mailsTo(to_email, 1, 0)
  expect(mail?.subject).toBe('Test mail from ADL Production')
})

test('POST /api/password/test-email answers 401, 403 and 422', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const { caller, refresh_token, access_token } = admin
  const call = (to_email: unknown, token?: string) =>
    caller.post(TEST_EMAIL, { to_email }, { token })
  const address = 'ada@example.com'
  expectUnauthenticated(await call(address))
  const forbidden = await call(address, user.access_token)
  expectError(forbidden, 403, 'AuthorizationError', 'This needs the token of an admin')
  expectInvalid(await call('nobody', access_token), 'to_email')
  await caller.post('/api/admins/logout', { refresh_token })
  expectUnauthenticated(await call(address, access_token))
})

test('POST /api/password/test-email tells the admin what the mail service said', async () => {
  const { access_token: token } = await newAdmin()
  const caller = visitor({ env: environment({ RESEND_BASE_URL: resend.url }) })
  const call = () => caller.post(TEST_EMAIL, { to_email: 'ada@example.com' }, { token })
  const message = 'The mail service did not accept the email'

  const limited = JSON.stringify({ name: 'rate_limit_exceeded', message: 'Too many requests' })
  await resend.fault({ kind: 'status', status: 429, body: limited, times: 1 })
  const refused = await call()
  expectError(refused, 502, 'EmailServiceError', message)
  expect(refused.body.details).toEqual({ reason: 'rate_limit_exceeded' })

  for (const fault of [{ kind: 'refuse' }, { kind: 'garbage' }] as const) {
    await resend.fault({ ...fault, times: 1 })
    const answer = await call()
    expectError(answer, 502, 'EmailServiceError', message)
    expect(answer.body.details.reason).toEqual(expect.any(String))
  }
  expect((await call()).status).toBe(200)
})

test('POST /api/password/test-email answers 503 when mail is not configured', async () => {
  const { access_token: token } = await newAdmin()
  const caller = visitor({ env: environment({ EMAIL_FROM: '' }) })
  const answer = await caller.post(TEST_EMAIL, { to_email: 'ada@example.com' }, { token })
  expectError(answer, 503, 'ServiceUnavailableError', 'Mail is not configured')
  expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/)
})
