import type { IncomingMessage } from 'node:http'
import { readBody } from '../http.ts'
import { ResendError } from './errors.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import { parseMail } from './mail.ts'
import type { MailStore, StoredMail } from './store.ts'

/** Resend takes 40 MB of attachments a mail, which base64 makes a third larger. */
const MAX_REQUEST_BYTES = 56 * 1024 * 1024

const MAX_BATCH = 100
const DEFAULT_PAGE = 20
const MAX_PAGE = 100

export interface Mailbox {
  apiKey: string
  store: MailStore
  keys: IdempotencyKeys
}

/**
 * Runs a request for a path below `/emails`. Reading takes no key: the page shows the same mails
 * without one, and `serve` rejects what other web pages send.
 *
 * @throws ResendError
 */
export async function callApi(
  request: IncomingMessage,
  url: URL,
  mailbox: Mailbox,
): Promise<object> {
  const id = /^\/emails\/([^/]+)$/.exec(url.pathname)?.[1]
  const { store } = mailbox
  checkKey(request, mailbox.apiKey)
  switch (
    `${request.method} ${id === undefined || id === 'batch' ? url.pathname : '/emails/:id'}`
  ) {
    case 'POST /emails':
      return send(request, mailbox, sendOne)
    case 'POST /emails/batch':
      return send(request, mailbox, sendBatch)
    case 'GET /emails':
      return list(store, url.searchParams)
    case 'GET /emails/:id':
      return get(store, id ?? '')
    case 'DELETE /emails':
      mailbox.keys.clear()
      store.clear()
      return { object: 'list', deleted: true }
  }
  if (url.pathname !== '/emails' && id === undefined) {
    throw new ResendError('not_found', 'The requested endpoint does not exist.')
  }
  throw new ResendError('method_not_allowed', 'Method is not allowed for the requested path.')
}

function checkKey({ method, headers }: IncomingMessage, apiKey: string): void {
  const presented = headers.authorization?.replace(/^Bearer /i, '')
  if (!presented && method === 'GET') return
  if (!presented) {
    const problem = 'Missing API key in the authorization header.'
    throw new ResendError('missing_api_key', problem)
  }
  if (presented !== apiKey) throw new ResendError('invalid_api_key', 'API key is invalid.')
}

type Act = (body: unknown, request: IncomingMessage, store: MailStore) => object

function send(request: IncomingMessage, { store, keys }: Mailbox, act: Act): Promise<object> {
  const actOn = (body: Buffer) => act(parseJson(body), request, store)
  const key = request.headers['idempotency-key']
  if (key === undefined) return bodyOf(request).then(actOn)
  return keys.once(String(key), () => bodyOf(request), actOn)
}

const sendOne: Act = (body, request, store) => {
  const { id } = store.add(parseMail(body), keyOf(request))
  return { id }
}

const sendBatch: Act = (body, request, store) => {
  if (!Array.isArray(body) || body.length === 0 || body.length > MAX_BATCH) {
    const rule = `The batch must be an array of 1 to ${MAX_BATCH} emails.`
    throw new ResendError('validation_error', rule)
  }
  const permissive = request.headers['x-batch-validation'] === 'permissive'
  const errors: { index: number; message: string }[] = []
  const mails = body.flatMap((item: unknown, index) => {
    try {
      return [parseMail(item)]
    } catch (error) {
      if (!permissive || !(error instanceof ResendError)) throw error
      errors.push({ index, message: error.message })
      return []
    }
  })
  const data = mails.map((mail) => ({ id: store.add(mail, keyOf(request)).id }))
  return permissive ? { data, errors } : { data }
}

function keyOf({ headers }: IncomingMessage): string | null {
  return headers['idempotency-key']?.toString() ?? null
}

function list(store: MailStore, query: URLSearchParams): object {
  const limit = Number(query.get('limit') ?? DEFAULT_PAGE)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    const rule = `The \`limit\` must be a number between 1 and ${MAX_PAGE}.`
    throw new ResendError('validation_error', rule)
  }
  const { after, before } = Object.fromEntries(query)
  if (after !== undefined && before !== undefined) {
    throw new ResendError('validation_error', 'Use either `after` or `before`, not both.')
  }
  const cursor = after === undefined ? (before === undefined ? {} : { before }) : { after }
  const page = store.page(limit, cursor)
  if (!page) throw new ResendError('validation_error', 'No email has the id of the cursor.')
  return { object: 'list', has_more: page.hasMore, data: page.mails.map(summary) }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function get(store: MailStore, id: string): object {
  if (!UUID.test(id)) throw new ResendError('invalid_parameter', 'The `id` must be a valid UUID.')
  const mail = store.get(id)
  if (!mail) throw new ResendError('not_found', 'Email not found.')
  const { html, text, tags } = mail
  return { object: 'email', ...summary(mail), html, text, tags }
}

function summary(mail: StoredMail) {
  const orNull = (list: string[]) => (list.length > 0 ? list : null)
  return {
    id: mail.id,
    message_id: mail.messageId,
    to: mail.to,
    from: mail.from,
    created_at: mail.createdAt.toISOString(),
    subject: mail.subject,
    bcc: orNull(mail.bcc),
    cc: orNull(mail.cc),
    reply_to: orNull(mail.replyTo),
    last_event: mail.scheduledAt ? 'scheduled' : 'delivered',
    scheduled_at: mail.scheduledAt,
    topic_id: mail.topicId,
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new ResendError('validation_error', 'The request body is not valid JSON.', 400)
  }
}

function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const problem = `The body is larger than ${MAX_REQUEST_BYTES} bytes.`
  const tooLarge = () => new ResendError('validation_error', problem, 413)
  return readBody(request, MAX_REQUEST_BYTES, tooLarge)
}
