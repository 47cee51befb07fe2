import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { readBody } from '../http.ts'
import { GatewayError } from './errors.ts'

/** Neon's limit for requests and responses: 64 MB. */
export const MAX_BYTES = 64 * 1024 * 1024

const ISOLATION_LEVELS = new Map([
  ['ReadUncommitted', 'READ UNCOMMITTED'],
  ['ReadCommitted', 'READ COMMITTED'],
  ['RepeatableRead', 'REPEATABLE READ'],
  ['Serializable', 'SERIALIZABLE'],
])

export interface Statement {
  query: string
  /** In PostgreSQL's text format. */
  params: (string | null)[]
}

export type Payload = { statement: Statement } | { batch: Statement[] }

const isTrue = (value: string | string[] | undefined) => value === 'true'

/**
 * The driver always requests rows as arrays of text, and converts them itself.
 *
 * @throws GatewayError 400 for any other output format
 */
export function checkOutputFormat(headers: IncomingHttpHeaders): void {
  for (const name of ['Neon-Raw-Text-Output', 'Neon-Array-Mode']) {
    if (isTrue(headers[name.toLowerCase()])) continue
    throw new GatewayError(400, `this gateway requires the header ${name}: true`)
  }
}

/**
 * The statement that begins the transaction of a batch, and the headers that Neon returns.
 *
 * @throws GatewayError 400 for an unknown isolation level
 */
export function transactionOptions(headers: IncomingHttpHeaders) {
  const echo: Record<string, string> = {}
  const modes: string[] = []
  const isolation = headers['neon-batch-isolation-level']
  if (isolation !== undefined) {
    const level = ISOLATION_LEVELS.get(String(isolation))
    if (level === undefined) throw new GatewayError(400, 'invalid isolation level')
    modes.push(`ISOLATION LEVEL ${level}`)
    echo['neon-batch-isolation-level'] = String(isolation)
  }
  for (const [name, mode] of [
    ['neon-batch-read-only', 'READ ONLY'],
    ['neon-batch-deferrable', 'DEFERRABLE'],
  ] as const) {
    if (!isTrue(headers[name])) continue
    modes.push(mode)
    echo[name] = 'true'
  }
  return { begin: `START TRANSACTION ${modes.join(', ')}`.trim(), echo }
}

/** @throws GatewayError 413 over `MAX_BYTES`, 400 if the body is not a query or batch */
export async function readPayload(request: IncomingMessage): Promise<Payload> {
  const tooLarge = () => new GatewayError(413, `request is too large (max is ${MAX_BYTES} bytes)`)
  const text = (await readBody(request, MAX_BYTES, tooLarge)).toString('utf8')
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error))
  }
  if (typeof body === 'object' && body !== null) {
    if ('query' in body) return { statement: readStatement(body) }
    if ('queries' in body && Array.isArray(body.queries)) {
      return { batch: body.queries.map(readStatement) }
    }
  }
  throw malformed('neither `query` nor `queries`')
}

function malformed(reason: string): GatewayError {
  return new GatewayError(400, `could not parse the HTTP request body: ${reason}`)
}

function readStatement(value: unknown): Statement {
  if (typeof value !== 'object' || value === null || !('query' in value)) {
    throw malformed('missing field `query`')
  }
  const { query } = value
  if (typeof query !== 'string') throw malformed('`query` is not a string')
  if (query.includes('\0')) throw new GatewayError(400, 'string contains embedded null')
  const params: unknown = 'params' in value ? value.params : []
  if (!Array.isArray(params)) throw malformed('`params` is not an array')
  return { query, params: params.map(readParameter) }
}

function readParameter(value: unknown): string | null {
  if (typeof value === 'string' || value === null) return value
  throw malformed('`params` may contain strings and null only')
}
