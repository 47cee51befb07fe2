import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { GatewayError } from './errors.ts'

/** Neon's limit for a request and for a response: 64 MB. */
export const MAX_BYTES = 64 * 1024 * 1024

const ISOLATION_LEVELS = new Map([
  ['ReadUncommitted', 'READ UNCOMMITTED'],
  ['ReadCommitted', 'READ COMMITTED'],
  ['RepeatableRead', 'REPEATABLE READ'],
  ['Serializable', 'SERIALIZABLE'],
])

export interface Statement {
  query: string
  /** In PostgreSQL's text format, as every parameter travels. */
  params: (string | null)[]
  /** Over the header `Neon-Array-Mode`. */
  arrayMode?: boolean
}

export type Payload = { statement: Statement } | { batch: Statement[] }

export interface OutputOptions {
  rawText: boolean
  arrayMode: boolean
}

/** Only the exact word `true` switches an option on. */
const isTrue = (value: string | string[] | undefined) => value === 'true'

export function outputOptions(headers: IncomingHttpHeaders): OutputOptions {
  return {
    rawText: isTrue(headers['neon-raw-text-output']),
    arrayMode: isTrue(headers['neon-array-mode']),
  }
}

/**
 * How a batch begins its transaction, and the headers that Neon repeats in its answer.
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
  if (isTrue(headers['neon-batch-read-only'])) {
    modes.push('READ ONLY')
    echo['neon-batch-read-only'] = 'true'
  }
  if (isTrue(headers['neon-batch-deferrable'])) {
    modes.push('DEFERRABLE')
    echo['neon-batch-deferrable'] = 'true'
  }
  return { begin: `START TRANSACTION ${modes.join(', ')}`.trim(), echo }
}

/** @throws GatewayError 413 over `MAX_BYTES`, 400 for anything that is no query or batch */
export async function readPayload(request: IncomingMessage): Promise<Payload> {
  const chunks: Buffer[] = []
  let size = 0
  // Left open at a limit passed: destroyed, it would take the answer with it.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > MAX_BYTES) {
      throw new GatewayError(413, `request is too large (max is ${MAX_BYTES} bytes)`)
    }
    chunks.push(chunk)
  }
  let body: unknown
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
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
  const params = 'params' in value ? value.params : []
  if (!Array.isArray(params)) throw malformed('`params` is not an array')
  const arrayMode = 'arrayMode' in value ? value.arrayMode : undefined
  return {
    query,
    params: params.map(parameterText),
    ...(typeof arrayMode === 'boolean' ? { arrayMode } : {}),
  }
}

/** JSON value to PostgreSQL's text format; objects as JSON, arrays as `{…}`. */
function parameterText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return Array.isArray(value) ? arrayText(value) : JSON.stringify(value)
}

function arrayText(values: unknown[]): string {
  const items = values.map((item) => {
    if (item === null) return 'NULL'
    if (Array.isArray(item)) return arrayText(item)
    // An object is a JSON text that needs the quotes of an array item besides.
    return JSON.stringify(typeof item === 'object' ? JSON.stringify(item) : item)
  })
  return `{${items.join(',')}}`
}
