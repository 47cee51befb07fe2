/**
 * What the local servers share: listening, a check of who may call, bodies, JSON.
 *
 * A server on 127.0.0.1 is within reach of every web page that the developer opens: by a request to
 * that address, or by a domain of the page's own that is made to resolve to it (DNS rebinding). A
 * browser names the page in `Origin` and the domain in `Host`, and no script can change either.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface ListenOptions {
  /** TCP port; 0, the default, takes any free one. */
  port?: number
  /** Address to listen on, 127.0.0.1 by default. */
  host?: string
  /** Accepted in `Host` besides the loopback names with the port: `name:port`, of a proxy in front. */
  allowedHosts?: string[]
}

export interface LocalServer {
  url: string
  port: number
  close(): Promise<void>
}

interface ServeOptions extends ListenOptions {
  /** Whether the server has pages, which may call it. */
  hasPages?: boolean
  /** Writes the error in the format of the protocol. */
  reject: (response: ServerResponse, status: number, message: string) => void
  handle: (request: IncomingMessage, response: ServerResponse) => void
}

/** Longer than clients keep an idle connection, or one is closed under a request on its way. */
const KEEP_ALIVE_MS = 120_000

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host)

/** @throws when the port is in use */
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
    const advice = 'stop the program that listens there, or choose another port'
    throw new Error(`Port ${wanted} of ${host} is in use: ${advice}`, { cause: error })
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

/** What is wrong with a request that a foreign web page may have sent; undefined if nothing is. */
function checkCaller(
  { method, headers }: IncomingMessage,
  hosts: Set<string>,
  hasPages: boolean,
): { status: number; message: string } | undefined {
  const { host = '', origin } = headers
  if (!hosts.has(host.toLowerCase())) {
    const message = `Unknown host "${host}": this local server accepts ${[...hosts].join(', ')}.`
    return { status: 421, message }
  }
  if (origin !== undefined && !(hasPages && origin === `http://${host}`)) {
    return { status: 403, message: `Requests from the web page ${origin} are not allowed.` }
  }
  // <img>, <script> and <iframe> send no Origin. A link that is followed to a page is harmless.
  const site = String(headers['sec-fetch-site'] ?? 'none')
  const isLink = hasPages && method === 'GET' && headers['sec-fetch-dest'] === 'document'
  if (site !== 'none' && site !== 'same-origin' && !isLink) {
    return { status: 403, message: 'Requests from other web pages are not allowed.' }
  }
  return undefined
}

/** @throws what `tooLarge` makes of the size, if it is over `maxBytes` */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  tooLarge: (size: number) => Error,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    // Past the limit the rest is read, not kept: a caller that still sends would miss the response.
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
