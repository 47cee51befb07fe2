/**
 * What the local servers share: listening, checking the caller, reading bodies, sending JSON.
 *
 * Every web page that the developer opens can reach a server on 127.0.0.1: with a request to that
 * address, or through its own domain that resolves to it (DNS rebinding). The browser sends the page's
 * origin in `Origin` and the domain in `Host`, and scripts can't change either header.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface ListenOptions {
  /** TCP port. 0, the default, is any free port. */
  port?: number
  /** Address to listen on, 127.0.0.1 by default. */
  host?: string
  /** Accepted in `Host` in addition to the loopback addresses, as `name:port`: for a proxy in front. */
  allowedHosts?: string[]
}

export interface LocalServer {
  url: string
  port: number
  close(): Promise<void>
}

interface ServeOptions extends ListenOptions {
  /** Whether the server has pages of its own, which may call it. */
  hasPages?: boolean
  /** Writes the error in the format of the protocol. */
  reject: (response: ServerResponse, status: number, message: string) => void
  handle: (request: IncomingMessage, response: ServerResponse) => void
}

/** Longer than clients keep idle connections, so that none is closed while a request is on its way. */
const KEEP_ALIVE_MS = 120_000

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host)

/** @throws if the port is in use */
export async function serve(options: ServeOptions): Promise<LocalServer> {
  const { port: wanted = 0, host = '127.0.0.1', allowedHosts = [], hasPages = false } = options
  const hosts = new Set(allowedHosts)
  const server = createServer((request, response) => {
    request.on('error', () => {}) // The caller has disconnected.
    const problem = checkCaller(request, hosts, hasPages)
    if (problem) options.reject(response, problem.status, problem.message)
    else options.handle(request, response)
  })
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.listen(wanted, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    const advice = 'Stop the program that uses it, or choose another port.'
    throw new Error(`Port ${wanted} on ${host} is in use. ${advice}`, { cause: error })
  }
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : wanted
  for (const name of ['127.0.0.1', 'localhost', '[::1]']) hosts.add(`${name}:${port}`)
  return {
    url: `http://${bracketed(host)}:${port}`,
    port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** The error for a request that may come from another web page, or undefined. */
function checkCaller(
  { method, headers }: IncomingMessage,
  hosts: Set<string>,
  hasPages: boolean,
): { status: number; message: string } | undefined {
  const { host = '', origin } = headers
  if (!hosts.has(host.toLowerCase())) {
    const message = `Unknown host "${host}". This local server accepts ${[...hosts].join(', ')}.`
    return { status: 421, message }
  }
  if (origin !== undefined && !(hasPages && origin === `http://${host}`)) {
    return { status: 403, message: `Requests from the web page ${origin} are not allowed.` }
  }
  // <img>, <script> and <iframe> send no Origin. Following a link to a page is harmless.
  const site = String(headers['sec-fetch-site'] ?? 'none')
  const isLink = hasPages && method === 'GET' && headers['sec-fetch-dest'] === 'document'
  if (site !== 'none' && site !== 'same-origin' && !isLink) {
    return { status: 403, message: 'Requests from other web pages are not allowed.' }
  }
  return undefined
}

/** @throws the error that `tooLarge` returns if the body is larger than `maxBytes` */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  tooLarge: (size: number) => Error,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    // The rest is read but not kept: a caller that is still sending would not see the response.
    if (size <= maxBytes) chunks.push(chunk)
  }
  if (size > maxBytes) throw tooLarge(size)
  return Buffer.concat(chunks)
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(value))
}
