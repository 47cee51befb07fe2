import type { ClientConfig } from 'pg'
import { GatewayError } from './errors.ts'

const DEFAULT_PORT = 5432
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])

/**
 * Parses the header `Neon-Connection-String`. Errors have Neon's messages.
 *
 * `sslmode` applies to other machines only: Neon's connection strings say `require`, and a PostgreSQL
 * on this machine rarely has a certificate.
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
  const requested = addressOf(url)
  const isSameHost = requested.host === host || (LOOPBACK.has(requested.host) && LOOPBACK.has(host))
  if (!isSameHost || requested.port !== port) {
    throw new GatewayError(400, `this gateway only connects to ${host}:${port}, not to ${url.host}`)
  }
  const allowed = decode(connectTo.pathname.slice(1), 'invalid database name')
  if (allowed !== '' && database !== allowed) {
    const message = `this gateway only connects to the database ${allowed}, not to ${database}`
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
