import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ListenOptions, sendJson, serve } from '../http.ts'
import { randomSecret } from '../secret.ts'
import { callApi, type Mailbox } from './api.ts'
import { ResendError } from './errors.ts'
import { IdempotencyKeys } from './idempotency.ts'
import { serveSite } from './site.ts'
import { MailStore } from './store.ts'

export interface MailboxOptions extends ListenOptions {
  /** The only API key that is accepted, a random one by default. */
  apiKey?: string
  /** How many mails are kept, 500 by default: the oldest go first. */
  capacity?: number
  /** Called with a line for each mail, and for each request that failed by an error of the box. */
  log?: (line: string) => void
}

export interface RunningMailbox {
  /** The base URL for Resend's SDK, and the page that shows the mails. */
  url: string
  port: number
  apiKey: string
  close(): Promise<void>
}

/**
 * Starts a mail box that takes mails as Resend's API does and shows them on a page.
 *
 * @throws when the port is taken.
 */
export async function startMailbox(options: MailboxOptions = {}): Promise<RunningMailbox> {
  const { apiKey = `re_${randomSecret()}`, capacity = 500, log = () => {} } = options
  const store = new MailStore(capacity)
  const mailbox: Mailbox = { apiKey, store, keys: new IdempotencyKeys() }
  store.onChange(() => {
    const [mail] = store.all()
    if (mail) log(`mail: "${mail.subject}" to ${mail.to.join(', ')}`)
  })

  const handle = (request: IncomingMessage, response: ServerResponse) => {
    respond(request, response, mailbox).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return
      log(`mail box: ${request.method} ${request.url} failed: ${error}`)
      const message = 'Something went wrong in the mail box.'
      sendJson(response, 500, { statusCode: 500, name: 'internal_server_error', message })
    })
  }
  const reject = (response: ServerResponse, statusCode: number, message: string) =>
    sendJson(response, statusCode, { statusCode, name: 'forbidden_caller', message })
  const server = await serve({ ...options, hasPages: true, handle, reject })
  return { ...server, apiKey }
}

async function respond(request: IncomingMessage, response: ServerResponse, mailbox: Mailbox) {
  const url = new URL(request.url ?? '/', 'http://mailbox')
  if (serveSite(request, response, url, mailbox)) return
  try {
    sendJson(response, 200, await callApi(request, url, mailbox))
  } catch (error) {
    if (!(error instanceof ResendError)) throw error
    sendJson(response, error.statusCode, error)
  }
}
