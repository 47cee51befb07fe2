/** The certificate of a service, for what looks at one from outside. */
import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect } from 'node:tls'

const DAY_MS = 24 * 60 * 60 * 1000

/** Days left with which a certificate is stuck: Cloudflare renews those of 90 days a month before they end. */
export const RENEWED_DAYS = 14

type Options = { signal: AbortSignal; rejectUnauthorized?: boolean }

/**
 * Connects to the host of an https URL.
 *
 * @param options.rejectUnauthorized false: a wrong certificate is a result, in `problem`, and no error
 * @throws what Node throws where nobody responds, or the certificate is wrong
 */
export async function readCertificate(
  { hostname: host, port }: URL,
  { signal, rejectUnauthorized = true }: Options,
) {
  const socket = connect({
    ...{ host, port: Number(port || 443), rejectUnauthorized },
    // A name, and no address: RFC 6066 section 3.
    ...(isIP(host) === 0 && { servername: host }),
  })
  try {
    await once(socket, 'secureConnect', { signal })
    const { valid_to: validTo } = socket.getPeerCertificate()
    return {
      validTo,
      days: Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS),
      protocol: socket.getProtocol() ?? 'no protocol',
      problem: socket.authorizationError,
    }
  } finally {
    socket.destroy()
  }
}
