import type { IncomingMessage } from 'node:http'
import { readBody } from '../http.ts'
import { ResendError } from './errors.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import { parseMail } from './mail.ts'
import type { MailStore, StoredMail } from './store.ts'

/** Resend's limit is 40 MB of attachments per email, which are a third larger in base64. */
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
 * Handles the endpoints of Resend's API. Reading needs no API key, because the page shows the same
 * emails without one, and `serve` rejects requests from other web pages.
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
  checkApiKey(request, mailbox.apiKey)
  switch (
    `${request.method} ${id === undefined || id === 'batch' ? url.pathname : '/emails/:id'}`
  ) {
    case 'POST /emails':
      return runOnce(request, mailbox, send)
    case 'POST /emails/batch':
      return runOnce(request, mailbox, sendBatch)
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

function checkApiKey({ method, headers }: IncomingMessage, apiKey: string): void {
  const presented = headers.authorization?.replace(/^Bearer /i, '')
  if (!presented && method === 'GET') return
  if (!presented) {
    throw new ResendError('missing_api_key', 'Missing API key in the authorization header.')
  }
  if (presented !== apiKey) throw new ResendError('invalid_api_key', 'API key is invalid.')
}

type Send = (body: unknown, request: IncomingMessage, store: MailStore) => object

/** Sends once per idempotency key. */
function runOnce(request: IncomingMessage, { store, keys }: Mailbox, send: Send): Promise<object> {
  const run = (body: Buffer) => send(parseJson(body), request, store)
  const key = idempotencyKeyOf(request)
  if (key === null) return bodyOf(request).then(run)
  return keys.once(key, () => bodyOf(request), run)
}

const send: Send = (body, request, store) => {
  const { id } = store.add(parseMail(body), idempotencyKeyOf(request))
  return { id }
}

const sendBatch: Send = (body, request, store) => {
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
  const data = mails.map((mail) => ({ id: store.add(mail, idempotencyKeyOf(request)).id }))
  return permissive ? { data, errors } : { data }
}

function idempotencyKeyOf({ headers }: IncomingMessage): string | null {
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
  const page = store.page(limit, after, before)
  if (!page) throw new ResendError('validation_error', 'There is no email with this id.')
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
    last_event: 'delivered',
    scheduled_at: null,
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
