/** A proxy in front of a service that spoils what the service does right. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

type Asked = { method: string; path: string; body: string }
type Replied = { status: number; headers: Headers; body: string }

/** Changes what is replied. `'hang'`: nothing is; `'lose'`: the connection is closed instead. */
export type Tampering = (asked: Asked, replied: Replied) => 'hang' | 'lose' | undefined

/** What the proxy decides itself. */
const OWN_HEADERS = ['host', 'connection', 'transfer-encoding', 'content-length']

/** Starts it until the test ends. @returns its URL */
export async function tamperWith(
  target: string,
  tamper: Tampering,
  isTls = false,
): Promise<string> {
  async function forward(request: IncomingMessage, response: ServerResponse) {
    const { method = 'GET', url: path = '/' } = request
    const body = await buffer(request)
    // A connection that is kept may be closed by workerd in the moment in which it is used again.
    const headers = new Headers({ connection: 'close' })
    for (const [name, value] of Object.entries(request.headers)) {
      if (typeof value === 'string' && !OWN_HEADERS.includes(name)) headers.set(name, value)
    }
    const reply = await fetch(target + path, {
      ...{ method, headers, redirect: 'manual' },
      ...(body.length > 0 && { body }),
    })
    const text = await reply.text()
    const replied = { status: reply.status, headers: new Headers(reply.headers), body: text }
    for (const name of OWN_HEADERS) replied.headers.delete(name)
    const end = tamper({ method, path, body: body.toString() }, replied)
    if (end === 'lose') response.destroy()
    if (end !== undefined) return
    response.writeHead(replied.status, Object.fromEntries(replied.headers))
    response.end(replied.body)
  }
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    forward(request, response).catch(() => response.destroy())
  }
  const server = isTls ? createTlsServer(await expiredCertificate(), handle) : createServer(handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return isTls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`
}

/** Self-signed, and over since yesterday. */
async function expiredCertificate() {
  const folder = await mkdtemp(join(tmpdir(), 'certificate-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    'key',
  ]
  openssl('req', ...key, '-subj', '/CN=localhost', '-out', 'request')
  openssl('x509', '-req', '-in', 'request', '-signkey', 'key', '-days', '-1', '-out', 'certificate')
  const read = (name: string) => readFileSync(join(folder, name))
  return { key: read('key'), cert: read('certificate') }
}
