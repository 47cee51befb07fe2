import type { ClientConfig } from 'pg'
import { GatewayError } from './errors.ts'

const DEFAULT_PORT = 5432
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])

/**
 * Reads the header `Neon-Connection-String`, with Neon's messages for what may be wrong with it.
 *
 * `sslmode` counts for other machines only: the strings that Neon hands out say `require`, and a
 * PostgreSQL on this machine rarely has a certificate.
 *
 * @throws GatewayError 400
 */
export function parseConnectionString(header: string | undefined, connectTo: URL): ClientConfig {
  if (header === undefined) throw new GatewayError(400, 'invalid header: neon-connection-string')
  let url: URL
  try {
    url = new URL(header)
  } catch {
    const reason = /^[a-z][a-z0-9+.-]*:/i.test(header)
      ? 'invalid host or port'
      : 'relative URL without a base'
    throw new GatewayError(400, `invalid connection string: ${reason}`)
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new GatewayError(400, 'incorrect scheme')
  }
  const database = decode(url.pathname.slice(1), 'invalid database name')
  if (database === '') throw new GatewayError(400, 'missing database name')
  if (database.includes('/')) throw new GatewayError(400, 'invalid database name')
  const user = decode(url.username, 'invalid username')
  if (user === '') throw new GatewayError(400, 'missing username')
  if (url.password === '') {
    throw new GatewayError(400, 'missing authentication credentials: required password')
  }
  const { host, port } = addressOf(connectTo)
  const asked = addressOf(url)
  const isSameHost = asked.host === host || (LOOPBACK.has(asked.host) && LOOPBACK.has(host))
  if (!isSameHost || asked.port !== port) {
    const message = `this gateway connects to ${host}:${port} only, not to ${url.host}`
    throw new GatewayError(400, message)
  }
  const only = decode(connectTo.pathname.slice(1), 'invalid database name')
  if (only !== '' && database !== only) {
    const message = `this gateway connects to the database ${only} only, not to ${database}`
    throw new GatewayError(400, message)
  }
  const { searchParams } = url
  const sslmode = searchParams.get('sslmode')
  const encrypted = sslmode !== null && !['disable', 'allow', 'prefer'].includes(sslmode)
  return {
    host,
    port,
    database,
    user,
    password: decode(url.password, 'invalid password'),
    application_name: searchParams.get('application_name') ?? undefined,
    options: searchParams.get('options') ?? undefined,
    ssl:
      encrypted && !LOOPBACK.has(host)
        ? { rejectUnauthorized: sslmode.startsWith('verify') }
        : false,
  }
}

function addressOf({ hostname, port }: URL) {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || DEFAULT_PORT) }
}

function decode(part: string, problem: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new GatewayError(400, problem)
  }
}
