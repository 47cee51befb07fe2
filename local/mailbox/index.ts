import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { answerApi, type Mailbox } from './api.ts'
import { ResendError } from './errors.ts'
import { IdempotencyKeys } from './idempotency.ts'
import { answerSite } from './site.ts'
import { MailStore } from './store.ts'

export interface MailboxOptions {
  /** TCP port; 0, the default, takes any free one. */
  port?: number
  /** Address to listen on, 127.0.0.1 by default. */
  host?: string
  /** The only API key that is accepted, `re_local` by default. */
  apiKey?: string
  /** How many mails are kept, 500 by default: the oldest go first. */
  capacity?: number
  /** Gets a line for each mail, and for each request that failed for a reason of the box's own. */
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
  const { port = 0, host = '127.0.0.1', apiKey = 're_local', capacity = 500 } = options
  const { log = () => {} } = options
  const store = new MailStore(capacity)
  const mailbox: Mailbox = { apiKey, store, keys: new IdempotencyKeys() }
  store.onChange(() => {
    const [mail] = store.all()
    if (mail) log(`mail: "${mail.subject}" to ${mail.to.join(', ')}`)
  })

  const server = createServer((request, response) => {
    answer(request, response, mailbox).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return
      log(`mail box: ${request.method} ${request.url} failed: ${error}`)
      const message = 'Something went wrong in the mail box'
      sendJson(response, 500, { statusCode: 500, name: 'internal_server_error', message })
    })
  })
  await listen(server, port, host)
  const address = server.address()
  const actualPort = typeof address === 'object' && address ? address.port : port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}`,
    port: actualPort,
    apiKey,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    const advice = 'stop the program that listens there, or choose another port'
    throw new Error(`Port ${port} of ${host} is in use: ${advice}`, { cause: error })
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, mailbox: Mailbox) {
  const url = new URL(request.url ?? '/', 'http://mailbox')
  if (answerSite(request, response, url, mailbox)) return
  try {
    sendJson(response, 200, await answerApi(request, url, mailbox))
  } catch (error) {
    if (!(error instanceof ResendError)) throw error
    sendJson(response, error.statusCode, error)
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}
