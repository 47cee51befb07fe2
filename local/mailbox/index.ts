import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ListenOptions, type LocalServer, sendJson, serve } from '../http.ts'
import { randomSecret } from '../secret.ts'
import { callApi, type Mailbox } from './api.ts'
import { ResendError } from './errors.ts'
import { mailFolder } from './folder.ts'
import { IdempotencyKeys } from './idempotency.ts'
import { serveSite } from './site.ts'
import { type Limits, MailStore } from './store.ts'

export interface MailboxOptions extends ListenOptions {
  /** The only valid API key. Random by default. */
  apiKey?: string
  /** How many emails are kept, 500 by default, and how many bytes of them. The oldest are deleted first. */
  limits?: Partial<Limits>
  /** Where they are kept. By default only in memory. */
  folder?: string
  /** Called with a line for each email, and for each request that failed because of an internal error. */
  log?: (line: string) => void
}

/** Emails of this service have a few kilobytes. */
const DEFAULT_LIMITS: Limits = { emails: 500, bytes: 64 * 1024 * 1024 }

/** `url` is the base URL for Resend's SDK, and the page that shows the emails. */
export interface RunningMailbox extends LocalServer {
  apiKey: string
}

/**
 * Starts a mailbox that accepts emails like Resend's API and shows them on a page.
 *
 * @throws if the port is in use
 */
export async function startMailbox(options: MailboxOptions = {}): Promise<RunningMailbox> {
  const { apiKey = `re_${randomSecret()}`, limits, folder, log = () => {} } = options
  const store = new MailStore(
    { ...DEFAULT_LIMITS, ...limits },
    folder === undefined ? undefined : mailFolder(folder),
  )
  const mailbox: Mailbox = { apiKey, store, keys: new IdempotencyKeys() }
  store.onChange(() => {
    const [mail] = store.all()
    if (mail) log(`mailbox: "${mail.subject}" to ${mail.to.join(', ')}`)
  })

  const handle = (request: IncomingMessage, response: ServerResponse) => {
    respond(request, response, mailbox).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return
      log(`mailbox: ${request.method} ${request.url} failed: ${error}`)
      const message = 'Internal error of the mailbox.'
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
