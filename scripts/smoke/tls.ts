import { RENEWED_DAYS, readCertificate } from '../certificate.ts'
import { type Check, outcome, skipped } from './check.ts'

const PROTOCOLS = ['TLSv1.2', 'TLSv1.3']

/** Milliseconds. A firewall may swallow what goes to port 80. */
const PLAIN_TIMEOUT_MS = 3000

const LOCAL = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/

/** Whether others can read what is sent to this URL. */
export const isReadable = (url: string) =>
  url.startsWith('http:') && !LOCAL.test(new URL(url).hostname)

/** The certificate, and that no plain HTTP is served beside it. */
export const checkTls: Check = async ({ url, signal }) => {
  const target = new URL(url)
  if (target.protocol === 'http:') {
    return isReadable(url)
      ? outcome('', ['the service is called by plain HTTP: use its https address'])
      : skipped('plain HTTP on this machine')
  }
  const options = { signal, rejectUnauthorized: false }
  const { validTo, days, protocol, problem } = await readCertificate(target, options)
  const plain = target.port === '' ? await plainHttp(target.hostname) : undefined
  return outcome(
    `${protocol}, ${days} days left, plain HTTP ${plain === undefined ? 'not asked' : 'redirects or is closed'}`,
    [
      days < 0 && `the certificate has expired on ${validTo}`,
      !!problem && `the certificate is not trusted: ${problem}`,
      !PROTOCOLS.includes(protocol) && `the connection is by ${protocol}`,
      plain === 'open' && `http://${target.hostname} is served without a redirect to https`,
    ],
    [days >= 0 && days < RENEWED_DAYS && `the certificate expires in ${days} days`],
  )
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
