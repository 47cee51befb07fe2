import { ResendError } from './errors.ts'

/** An email from the body of `POST /emails`. */
export interface Mail {
  from: string
  to: string[]
  cc: string[]
  bcc: string[]
  replyTo: string[]
  subject: string
  html: string | null
  text: string | null
  headers: Record<string, string>
  tags: { name: string; value: string }[]
  /** `bytes` is null if the request has only a link to the content. */
  attachments: { filename: string; bytes: number | null }[]
}

/** Resend's limit. */
const MAX_RECIPIENTS = 50

const ADDRESS_FORMAT =
  'The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.'

type Fields = Record<string, unknown>

/** @throws the error that Resend returns for the same body */
export function parseMail(body: unknown): Mail {
  if (!isFields(body)) throw new ResendError('validation_error', 'The body must be an object.', 400)
  for (const name of ['from', 'to', 'subject']) {
    if (isMissing(body[name])) {
      throw new ResendError('missing_required_field', `Missing \`${name}\` field.`)
    }
  }
  const html = optionalString(body, 'html')
  const text = optionalString(body, 'text')
  if (html === null && text === null) {
    throw new ResendError('missing_required_field', 'Missing `html` or `text` field.')
  }
  return {
    from: parseFrom(body['from']),
    to: addresses(body, 'to'),
    cc: addresses(body, 'cc'),
    bcc: addresses(body, 'bcc'),
    replyTo: addresses(body, 'reply_to'),
    subject: optionalString(body, 'subject') ?? '',
    html,
    text,
    headers: parseHeaders(body['headers']),
    tags: parseTags(body['tags']),
    attachments: parseAttachments(body['attachments']),
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isMissing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return value === undefined || value === null || value === ''
}

function optionalString(body: Fields, name: string): string | null {
  const value = body[name]
  if (isMissing(value)) return null
  if (typeof value === 'string') return value
  throw new ResendError('validation_error', `The \`${name}\` field must be a \`string\`.`)
}

function parseFrom(value: unknown): string {
  if (typeof value === 'string' && isMailbox(value)) return value
  throw new ResendError('invalid_from_address', `Invalid \`from\` field. ${ADDRESS_FORMAT}`)
}

function addresses(body: Fields, name: string): string[] {
  const value = body[name]
  if (isMissing(value)) return []
  const list: unknown[] = Array.isArray(value) ? value : [value]
  if (list.length > MAX_RECIPIENTS) {
    const limit = `at most ${MAX_RECIPIENTS} addresses`
    throw new ResendError('validation_error', `The \`${name}\` field may contain ${limit}.`)
  }
  return list.map((item) => {
    if (typeof item === 'string' && isMailbox(item)) return item
    throw new ResendError('validation_error', `Invalid \`${name}\` field. ${ADDRESS_FORMAT}`)
  })
}

/** `a@b.example` or `Name <a@b.example>`: a single address on one line. */
function isMailbox(text: string): boolean {
  const address = /^[^<>\r\n]*<([^<>]+)>$/.exec(text.trim())?.[1] ?? text.trim()
  return /^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\.]+(\.[^\s@<>,;:"()[\]\\.]+)+$/.test(address)
}

function parseHeaders(value: unknown): Record<string, string> {
  if (isMissing(value)) return {}
  if (!isFields(value)) {
    throw new ResendError('validation_error', 'The `headers` must be an object.')
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const content = String(item)
      if (/^[!-9;-~]+$/.test(name) && !/[\r\n]/.test(content)) return [name, content]
      throw new ResendError('validation_error', 'A header name or value has a forbidden character.')
    }),
  )
}

function parseTags(value: unknown): Mail['tags'] {
  if (isMissing(value)) return []
  if (!Array.isArray(value)) {
    throw new ResendError('validation_error', 'The `tags` must be an array.')
  }
  return value.map((tag: unknown) => {
    const { name, value: content } = isFields(tag) ? tag : {}
    if (isTagText(name) && isTagText(content)) return { name, value: content }
    const rule = 'ASCII letters, numbers, underscores, or dashes'
    throw new ResendError('validation_error', `Tags should only contain ${rule}.`)
  })
}

function isTagText(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,256}$/.test(value)
}

function parseAttachments(value: unknown): Mail['attachments'] {
  if (isMissing(value)) return []
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.map((item) => {
    const { content, path, filename } = isFields(item) ? item : {}
    if (isMissing(content) && isMissing(path)) {
      const rule = 'Attachment must have either a `content` or `path`.'
      throw new ResendError('invalid_attachment', rule)
    }
    const bytes = typeof content === 'string' ? Buffer.from(content, 'base64').length : null
    return { filename: typeof filename === 'string' ? filename : 'attachment', bytes }
  })
}
