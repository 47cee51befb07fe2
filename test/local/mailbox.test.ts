import { Resend } from 'resend'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type RunningMailbox, startMailbox } from '../../local/mailbox/index.ts'

const API_KEY = 're_test'
const MAIL = {
  from: 'Shop <shop@example.com>',
  to: ['ada@example.com'],
  subject: 'Zażółć <b>🙂</b>',
  html: '<p>Hello</p>',
  text: 'Hello',
}

let mailbox: RunningMailbox
let resend: Resend

beforeAll(async () => {
  mailbox = await startMailbox({ apiKey: API_KEY })
  resend = new Resend(API_KEY, { baseUrl: mailbox.url })
})

beforeEach(() => api('DELETE', '/emails'))

afterAll(() => mailbox.close())

async function api(method: string, path: string, body?: unknown, headers = {}) {
  const response = await fetch(mailbox.url + path, {
    method,
    headers: { authorization: `Bearer ${API_KEY}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}

async function subjects() {
  const { data } = await resend.emails.list({ limit: 100 })
  return data?.data.map(({ subject }) => subject)
}

describe('sending', () => {
  test('a mail comes back as it was sent', async () => {
    const { data, error } = await resend.emails.send({
      ...MAIL,
      cc: 'cc@example.com',
      replyTo: 'reply@example.com',
      headers: { 'X-Entity': '7' },
      tags: [{ name: 'kind', value: 'welcome' }],
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
      tags: [{ name: 'kind', value: 'welcome' }],
      last_event: 'delivered',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    })
  })

  test('RESEND_BASE_URL is enough to send here', async () => {
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
    ['a bad sender', { from: 'Shop' }, 'invalid_from_address', 'Invalid `from` field. The email'],
    ['two addresses in one', { to: 'a@b.c,d@e.f' }, 'validation_error', 'Invalid `to` field.'],
    ['a line break', { to: 'a@b.c\r\nBcc: d@e.f' }, 'validation_error', 'Invalid `to` field.'],
    ['a bad copy', { cc: 'nobody' }, 'validation_error', 'Invalid `cc` field.'],
    ['51 recipients', { to: Array(51).fill('a@b.cd') }, 'validation_error', 'The `to` field may'],
    ['html as a number', { html: 7 }, 'validation_error', 'The `html` field must be a `string`.'],
    ['a bad tag', { tags: [{ name: 'a b', value: 'c' }] }, 'validation_error', 'Tags should only'],
    ['a bad header', { headers: { 'X-A': 'b\nc' } }, 'validation_error', 'A header name or value'],
    ['an empty attachment', { attachments: [{}] }, 'invalid_attachment', 'Attachment must have'],
  ])('%s is rejected with the message of Resend', async (_, change, name, message) => {
    const { status, body } = await api('POST', '/emails', { ...MAIL, ...change })
    expect(status).toBe(422)
    expect(body).toEqual({ statusCode: 422, name, message: expect.stringContaining(message) })
    expect(body.message).toMatch(/\.$/)
    expect(await subjects()).toEqual([])
  })

  test('the SDK returns errors', async () => {
    const { data, error } = await resend.emails.send({ ...MAIL, from: 'nobody' })
    expect(data).toBeNull()
    expect(error).toMatchObject({ statusCode: 422, name: 'invalid_from_address' })
  })

  test('a body that is not JSON is 400', async () => {
    const headers = { authorization: `Bearer ${API_KEY}` }
    const response = await fetch(`${mailbox.url}/emails`, { method: 'POST', headers, body: '{' })
    expect(await response.json()).toMatchObject({ statusCode: 400, name: 'validation_error' })
  })
})

describe('keys, paths and methods', () => {
  test('no API key is 401, a wrong one 403', async () => {
    for (const method of ['POST', 'DELETE']) {
      const without = await api(method, '/emails', undefined, { authorization: '' })
      expect(without.body).toMatchObject({ statusCode: 401, name: 'missing_api_key' })
    }
    const wrong = await new Resend('re_wrong', { baseUrl: mailbox.url }).emails.send(MAIL)
    expect(wrong.error).toMatchObject({ statusCode: 403, name: 'invalid_api_key' })
  })

  test('mails are read without a key, and not with a wrong one', async () => {
    const id = (await resend.emails.send(MAIL)).data?.id
    for (const path of ['/emails', `/emails/${id}`]) {
      expect((await api('GET', path, undefined, { authorization: '' })).status).toBe(200)
      const wrong = await api('GET', path, undefined, { authorization: 'Bearer re_wrong' })
      expect(wrong.status).toBe(403)
    }
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
})

describe('batches', () => {
  test('all mails of a batch arrive', async () => {
    const batch = [1, 2, 3].map((n) => ({ ...MAIL, subject: `${n}` }))
    const { data } = await resend.batch.send(batch)
    expect(data?.data).toHaveLength(3)
    expect(await subjects()).toEqual(['3', '2', '1'])
  })

  test('one bad mail stops a strict batch, and is left out of a permissive one', async () => {
    const batch = [MAIL, { ...MAIL, to: 'nobody' }]
    expect((await resend.batch.send(batch)).error).toMatchObject({ name: 'validation_error' })
    expect(await subjects()).toEqual([])
    const { data } = await resend.batch.send(batch, { batchValidation: 'permissive' })
    expect(data?.data).toHaveLength(1)
    expect(data?.errors).toEqual([{ index: 1, message: expect.stringContaining('`to`') }])
  })

  test('a batch has 1 to 100 mails', async () => {
    for (const size of [0, 101]) {
      const { error } = await resend.batch.send(Array(size).fill(MAIL))
      expect(error).toMatchObject({ statusCode: 422, name: 'validation_error' })
    }
  })
})

describe('idempotency keys', () => {
  test('the same request again has the same answer and sends nothing', async () => {
    const first = await resend.emails.send(MAIL, { idempotencyKey: 'a' })
    const second = await resend.emails.send(MAIL, { idempotencyKey: 'a' })
    expect(second.data).toEqual(first.data)
    expect(await subjects()).toHaveLength(1)
    const batch = [MAIL, MAIL]
    const one = await resend.batch.send(batch, { idempotencyKey: 'b' })
    expect((await resend.batch.send(batch, { idempotencyKey: 'b' })).data).toEqual(one.data)
    expect(await subjects()).toHaveLength(3)
  })

  test('another request with the same key is 409', async () => {
    await resend.emails.send(MAIL, { idempotencyKey: 'a' })
    const other = await resend.emails.send({ ...MAIL, text: '!' }, { idempotencyKey: 'a' })
    expect(other.error).toMatchObject({ statusCode: 409, name: 'invalid_idempotent_request' })
  })

  test('a request while the first is under way is 409', async () => {
    let finish = () => {}
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{'))
        finish = () => {
          controller.enqueue(new TextEncoder().encode(JSON.stringify(MAIL).slice(1)))
          controller.close()
        }
      },
    })
    const headers = { authorization: `Bearer ${API_KEY}`, 'idempotency-key': 'slow' }
    const init = { method: 'POST', headers, body, duplex: 'half' }
    const slow = fetch(`${mailbox.url}/emails`, init)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const { error } = await resend.emails.send(MAIL, { idempotencyKey: 'slow' })
    expect(error).toMatchObject({ statusCode: 409, name: 'concurrent_idempotent_requests' })
    finish()
    expect((await slow).status).toBe(200)
    expect(await subjects()).toHaveLength(1)
  })

  test('a rejected request leaves its key free', async () => {
    const bad = await api('POST', '/emails', {}, { 'idempotency-key': 'a' })
    expect(bad.status).toBe(422)
    expect((await resend.emails.send(MAIL, { idempotencyKey: 'a' })).error).toBeNull()
  })

  test.each(['', 'x'.repeat(257)])('a key of %# is 400', async (key) => {
    const { body } = await api('POST', '/emails', MAIL, { 'idempotency-key': key })
    expect(body).toMatchObject({ statusCode: 400, name: 'invalid_idempotency_key' })
  })
})

describe('the list', () => {
  beforeEach(async () => {
    await resend.batch.send([1, 2, 3, 4, 5].map((n) => ({ ...MAIL, subject: `${n}` })))
  })

  test('is paged both ways, newest first', async () => {
    const first = await resend.emails.list({ limit: 2 })
    expect(first.data).toMatchObject({ object: 'list', has_more: true })
    expect(first.data?.data.map(({ subject }) => subject)).toEqual(['5', '4'])
    const after = first.data?.data.at(-1)?.id ?? ''
    const second = await resend.emails.list({ limit: 3, after })
    expect(second.data?.data.map(({ subject }) => subject)).toEqual(['3', '2', '1'])
    expect(second.data?.has_more).toBe(false)
    const before = second.data?.data[0]?.id ?? ''
    const back = await resend.emails.list({ limit: 1, before })
    expect(back.data).toMatchObject({ has_more: true, data: [{ subject: '4' }] })
  })

  test.each(['limit=0', 'limit=101', 'limit=x', 'after=a&before=b', 'after=no-such'])(
    '?%s is 422',
    async (query) => {
      const { body } = await api('GET', `/emails?${query}`)
      expect(body).toMatchObject({ statusCode: 422, name: 'validation_error' })
    },
  )
})

test('the oldest mails go when the box is full', async () => {
  const small = await startMailbox({ apiKey: API_KEY, capacity: 2 })
  const client = new Resend(API_KEY, { baseUrl: small.url })
  for (const subject of ['1', '2', '3']) await client.emails.send({ ...MAIL, subject })
  const { data } = await client.emails.list()
  expect(data?.data.map(({ subject }) => subject)).toEqual(['3', '2'])
  await small.close()
})

test('a port in use is named', async () => {
  const second = startMailbox({ port: mailbox.port })
  await expect(second).rejects.toThrow(`Port ${mailbox.port} of 127.0.0.1 is in use`)
})
