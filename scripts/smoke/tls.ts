import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { type Check, outcome, skipped } from './check.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** Days before its end at which a certificate should have been renewed. Cloudflare renews 30 days before. */
const RENEWED_BEFORE = 14

const PROTOCOLS = ['TLSv1.2', 'TLSv1.3']

/** Milliseconds. A firewall may swallow what goes to port 80. */
const PLAIN_TIMEOUT_MS = 3000

const LOCAL = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/

/** Whether others can read what is sent to this URL. */
export const isReadable = (url: string) =>
  url.startsWith('http:') && !LOCAL.test(new URL(url).hostname)

/** The certificate, and that no plain HTTP is served beside it. */
export const checkTls: Check = async ({ url, signal }) => {
  const { protocol, hostname, port } = new URL(url)
  if (protocol === 'http:') {
    return isReadable(url)
      ? outcome('', ['the service is called by plain HTTP: use its https address'])
      : skipped('plain HTTP on this machine')
  }
  const socket = await handshake(hostname, Number(port || 443), signal)
  const { valid_to: validTo } = socket.getPeerCertificate()
  const days = Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS)
  const version = socket.getProtocol() ?? 'no protocol'
  const { authorizationError: error } = socket
  socket.destroy()
  const plain = port === '' ? await plainHttp(hostname) : undefined
  return outcome(
    `${version}, ${days} days left, plain HTTP ${plain === undefined ? 'not asked' : 'redirects or is closed'}`,
    [
      days < 0 && `the certificate has expired on ${validTo}`,
      !!error && `the certificate is not trusted: ${error}`,
      !PROTOCOLS.includes(version) && `the connection is by ${version}`,
      plain === 'open' && `http://${hostname} is served without a redirect to https`,
    ],
    [days >= 0 && days < RENEWED_BEFORE && `the certificate expires in ${days} days`],
  )
}

/** Connects to what may have a wrong certificate. */
async function handshake(host: string, port: number, signal: AbortSignal): Promise<TLSSocket> {
  const socket = connect({
    host,
    port,
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: false,
  })
  signal.addEventListener('abort', () => socket.destroy())
  await once(socket, 'secureConnect', { signal })
  return socket
}

/** What is served at port 80. */
async function plainHttp(hostname: string): Promise<'open' | 'closed'> {
  const signal = AbortSignal.timeout(PLAIN_TIMEOUT_MS)
  try {
    const response = await fetch(`http://${hostname}/health/live`, { redirect: 'manual', signal })
    await response.body?.cancel()
    const isRedirect = response.headers.get('Location')?.startsWith('https://') ?? false
    return isRedirect && response.status < 400 ? 'closed' : 'open'
  } catch {
    return 'closed'
  }
}
