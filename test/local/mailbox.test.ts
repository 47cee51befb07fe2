import { Resend } from 'resend'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { startMailbox } from '../../local/mailbox/index.ts'
import { API_KEY, MAIL } from './sample-mail.ts'

const mailbox = await startMailbox({ apiKey: API_KEY })
const resend = new Resend(API_KEY, { baseUrl: mailbox.url })
afterAll(() => mailbox.close())
beforeEach(() => api('DELETE', '/emails'))

async function api(method: string, path: string, body?: object | string, headers = {}) {
  const response = await fetch(mailbox.url + path, {
    method,
    headers: { authorization: `Bearer ${API_KEY}`, ...headers },
    body: typeof body === 'object' ? JSON.stringify(body) : (body ?? null),
  })
  return { status: response.status, body: await response.json() }
}

async function subjects() {
  const { data } = await resend.emails.list({ limit: 100 })
  return data?.data.map(({ subject }) => subject)
}

test('an email is returned as it was sent', async () => {
  const tags = [{ name: 'kind', value: 'welcome' }]
  const { data, error } = await resend.emails.send({
    ...MAIL,
    cc: 'cc@example.com',
    replyTo: 'reply@example.com',
    headers: { 'X-Entity': '7' },
    tags,
    attachments: [{ filename: 'a.txt', content: Buffer.from('hi') }],
  })
  expect(error).toBeNull()
  const mail = await resend.emails.get(data?.id ?? '')
  expect(mail.data).toMatchObject({
    ...MAIL,
    object: 'email',
    id: data?.id,
    cc: ['cc@example.com'],
    bcc: null,
    reply_to: ['reply@example.com'],
    tags,
    last_event: 'delivered',
    created_at: expect.stringMatching(/^\d{4}-.*Z$/),
  })
})

test('the SDK can be configured with RESEND_BASE_URL', async () => {
  vi.stubEnv('RESEND_BASE_URL', mailbox.url)
  const { error } = await new Resend(API_KEY).emails.send(MAIL)
  vi.unstubAllEnvs()
  expect(error).toBeNull()
})

test.each([
  ['no from', { from: undefined }, 'missing_required_field', 'Missing `from` field'],
  ['no to', { to: [] }, 'missing_required_field', 'Missing `to` field'],
  ['no subject', { subject: '' }, 'missing_required_field', 'Missing `subject` field'],
  ['no content', { html: '', text: '' }, 'missing_required_field', 'Missing `html` or `text`'],
  ['a bad From', { from: 'Shop' }, 'invalid_from_address', 'Invalid `from` field. The email'],
  ['two addresses in one', { to: 'a@b.c,d@e.f' }, 'validation_error', 'Invalid `to` field.'],
  ['a line break', { to: 'a@b.c\r\nBcc: d@e.f' }, 'validation_error', 'Invalid `to` field.'],
  ['a bad Cc', { cc: 'nobody' }, 'validation_error', 'Invalid `cc` field.'],
  ['51 recipients', { to: Array(51).fill('a@b.cd') }, 'validation_error', 'The `to` field may'],
  ['html as a number', { html: 7 }, 'validation_error', 'The `html` field must be a `string`.'],
  ['a bad tag', { tags: [{ name: 'a b', value: 'c' }] }, 'validation_error', 'Tags should only'],
  ['a bad header', { headers: { 'X-A': 'b\nc' } }, 'validation_error', 'A header name or value'],
  ['an empty attachment', { attachments: [{}] }, 'invalid_attachment', 'Attachment must have'],
])('%s is 422 with the message of Resend', async (_, change, name, message) => {
  const { status, body } = await api('POST', '/emails', { ...MAIL, ...change })
  expect(status).toBe(422)
  expect(body).toEqual({ statusCode: 422, name, message: expect.stringContaining(message) })
  expect(body.message).toMatch(/\.$/)
  expect(await subjects()).toEqual([])
})

test('a body that is not JSON is 400', async () => {
  const { body } = await api('POST', '/emails', '{')
  expect(body).toMatchObject({ statusCode: 400, name: 'validation_error' })
})

const withKey = (authorization: string, method: string, path = '/emails') =>
  api(method, path, undefined, { authorization })

test('sending and deleting without an API key is 401, reading is 200', async () => {
  for (const method of ['POST', 'DELETE']) {
    const { body } = await withKey('', method)
    expect(body).toMatchObject({ statusCode: 401, name: 'missing_api_key' })
  }
  const id = (await resend.emails.send(MAIL)).data?.id
  for (const path of ['/emails', `/emails/${id}`]) {
    expect((await withKey('', 'GET', path)).status).toBe(200)
    expect((await withKey('Bearer re_wrong', 'GET', path)).status).toBe(403)
  }
})

test('a wrong API key is 403, which the SDK returns', async () => {
  const { data, error } = await new Resend('re_wrong', { baseUrl: mailbox.url }).emails.send(MAIL)
  expect(data).toBeNull()
  expect(error).toMatchObject({ statusCode: 403, name: 'invalid_api_key' })
})

test.each([
  ['GET', '/domains', 404, 'not_found'],
  ['GET', '/emails/00000000-0000-4000-8000-000000000000', 404, 'not_found'],
  ['GET', '/emails/7', 422, 'invalid_parameter'],
  ['PUT', '/emails', 405, 'method_not_allowed'],
  ['GET', '/emails/batch', 405, 'method_not_allowed'],
  ['PATCH', '/emails/00000000-0000-4000-8000-000000000000', 405, 'method_not_allowed'],
])('%s %s is %i', async (method, path, statusCode, name) => {
  const { status, body } = await api(method, path)
  expect(status).toBe(statusCode)
  expect(body).toEqual({ statusCode, name, message: expect.stringMatching(/\.$/) })
})

test('all emails of a batch are sent', async () => {
  const batch = [1, 2, 3].map((n) => ({ ...MAIL, subject: `${n}` }))
  const { data } = await resend.batch.send(batch)
  expect(data?.data).toHaveLength(3)
  expect(await subjects()).toEqual(['3', '2', '1'])
})

test('an invalid email rejects a strict batch, and is left out of a permissive one', async () => {
  const batch = [MAIL, { ...MAIL, to: 'nobody' }]
  expect((await resend.batch.send(batch)).error).toMatchObject({ name: 'validation_error' })
  expect(await subjects()).toEqual([])
  const { data } = await resend.batch.send(batch, { batchValidation: 'permissive' })
  expect(data?.data).toHaveLength(1)
  expect(data?.errors).toEqual([{ index: 1, message: expect.stringContaining('`to`') }])
})

test.each([0, 101])('a batch of %i emails is 422', async (size) => {
  const { error } = await resend.batch.send(Array(size).fill(MAIL))
  expect(error).toMatchObject({ statusCode: 422, name: 'validation_error' })
})

test('the same request with the same idempotency key returns the same response and sends nothing', async () => {
  const first = await resend.emails.send(MAIL, { idempotencyKey: 'a' })
  const second = await resend.emails.send(MAIL, { idempotencyKey: 'a' })
  expect(second.data).toEqual(first.data)
  expect(await subjects()).toHaveLength(1)
  const batch = [MAIL, MAIL]
  const one = await resend.batch.send(batch, { idempotencyKey: 'b' })
  expect((await resend.batch.send(batch, { idempotencyKey: 'b' })).data).toEqual(one.data)
  expect(await subjects()).toHaveLength(3)
})

test('another body with the same idempotency key is 409', async () => {
  await resend.emails.send(MAIL, { idempotencyKey: 'a' })
  const other = await resend.emails.send({ ...MAIL, text: '!' }, { idempotencyKey: 'a' })
  expect(other.error).toMatchObject({ statusCode: 409, name: 'invalid_idempotent_request' })
})

test('a request with the idempotency key of one in progress is 409', async () => {
  const { readable, writable } = new TextEncoderStream()
  const writer = writable.getWriter()
  const slow = fetch(`${mailbox.url}/emails`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'idempotency-key': 'slow' },
    body: readable,
    ...{ duplex: 'half' },
  })
  await writer.write('{')
  await new Promise((resolve) => setTimeout(resolve, 50))
  const { error } = await resend.emails.send(MAIL, { idempotencyKey: 'slow' })
  expect(error).toMatchObject({ statusCode: 409, name: 'concurrent_idempotent_requests' })
  await writer.write(JSON.stringify(MAIL).slice(1))
  await writer.close()
  expect((await slow).status).toBe(200)
  expect(await subjects()).toHaveLength(1)
})

test('the idempotency key of a rejected request can be used again', async () => {
  const bad = await api('POST', '/emails', {}, { 'idempotency-key': 'a' })
  expect(bad.status).toBe(422)
  expect((await resend.emails.send(MAIL, { idempotencyKey: 'a' })).error).toBeNull()
})

test.each(['', 'x'.repeat(257)])('the idempotency key %j is 400', async (key) => {
  const { body } = await api('POST', '/emails', MAIL, { 'idempotency-key': key })
  expect(body).toMatchObject({ statusCode: 400, name: 'invalid_idempotency_key' })
})

test('the list is paged in both directions, newest first', async () => {
  await resend.batch.send([1, 2, 3, 4, 5].map((n) => ({ ...MAIL, subject: `${n}` })))
  const first = (await resend.emails.list({ limit: 2 })).data
  const page = (...subjects: string[]) => subjects.map((subject) => ({ subject }))
  expect(first).toMatchObject({ object: 'list', has_more: true, data: page('5', '4') })
  const after = first?.data.at(-1)?.id ?? ''
  const second = (await resend.emails.list({ limit: 3, after })).data
  expect(second).toMatchObject({ has_more: false, data: page('3', '2', '1') })
  const before = second?.data[0]?.id ?? ''
  const back = (await resend.emails.list({ limit: 1, before })).data
  expect(back).toMatchObject({ has_more: true, data: page('4') })
})

test.each(['limit=0', 'limit=101', 'limit=x', 'after=a&before=b', 'after=no-such'])(
  '?%s is 422',
  async (query) => {
    const { body } = await api('GET', `/emails?${query}`)
    expect(body).toMatchObject({ statusCode: 422, name: 'validation_error' })
  },
)
