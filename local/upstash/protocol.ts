/**
 * What travels over Upstash's REST API: requests in, JSON out.
 *
 * @see https://upstash.com/docs/redis/features/restapi
 */

export type Argument = string | Buffer
export type Command = readonly [name: string, ...args: Argument[]]
export type Reply = Buffer | number | null | Reply[]
export type Outcome = { result: Reply } | { error: string }

/** A request that is refused before Redis sees it; the message is the `error` of the answer. */
export class RequestError extends Error {
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

export interface Call {
  mode: 'single' | 'pipeline' | 'transaction'
  commands: Command[]
}

/** Reads the commands of a request: from the body at `/`, `/pipeline` and `/multi-exec`, else from the path. */
export function parseCall(url: URL, body: Buffer): Call {
  switch (url.pathname.replace(/\/$/, '')) {
    case '':
      return { mode: 'single', commands: [parseCommand(parseJson(body, 'command'), 'command')] }
    case '/pipeline':
      return { mode: 'pipeline', commands: parseCommands(body, 'pipeline') }
    case '/multi-exec':
      return { mode: 'transaction', commands: parseCommands(body, 'multi-exec') }
    default:
      return { mode: 'single', commands: [parsePath(url, body)] }
  }
}

function parseCommands(body: Buffer, what: string): Command[] {
  const rows = parseJson(body, `${what} request`)
  if (!Array.isArray(rows)) throw new RequestError(`ERR failed to parse ${what} request`)
  if (rows.length === 0) throw new RequestError(`ERR empty ${what} request`)
  return rows.map((row: unknown) => parseCommand(row, `${what} command`))
}

function parseCommand(row: unknown, what: string): Command {
  if (!Array.isArray(row)) throw new RequestError(`ERR failed to parse ${what}`)
  const [name, ...args] = row.map((item: unknown) => parseArgument(item, what))
  if (!name) throw new RequestError(`ERR empty ${what}`)
  return [name.toUpperCase(), ...args]
}

function parseArgument(item: unknown, what: string): string {
  if (typeof item === 'string') return item
  if (typeof item === 'number' || typeof item === 'boolean') return String(item)
  throw new RequestError(`ERR failed to parse ${what}`)
}

function parseJson(body: Buffer, what: string): unknown {
  try {
    return JSON.parse(body.toString('utf8'), keepDigits)
  } catch {
    throw new RequestError(`ERR failed to parse ${what}`)
  }
}

/** Keeps `12345678901234567890` as written, where the runtime says how it was written. */
function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? value) : value
}

/** `POST /set/foo?EX=100` with the value as its body is `SET foo <body> EX 100`. */
function parsePath(url: URL, body: Buffer): Command {
  const [name, ...args] = url.pathname.slice(1).split('/').map(decodeSegment)
  if (!name) throw new RequestError('ERR empty command')
  const options = [...url.searchParams]
    .filter(([key]) => key !== '_token')
    .flatMap(([key, value]) => (value === '' ? [key] : [key, value]))
  return [name.toUpperCase(), ...args, ...(body.length > 0 ? [body] : []), ...options]
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new RequestError('ERR failed to parse command')
  }
}

type Json = string | number | null | Json[]

/**
 * An outcome as Upstash writes it. With `base64` every string is encoded, except for a bare `OK`:
 * the SDK expects just that one unencoded.
 */
export function encodeOutcome(outcome: Outcome, base64: boolean): { result: Json } | Outcome {
  if ('error' in outcome) return outcome
  const { result } = outcome
  if (Buffer.isBuffer(result) && result.equals(OK)) return { result: 'OK' }
  return { result: encodeReply(result, base64 ? 'base64' : 'utf8') }
}

const OK = Buffer.from('OK')

function encodeReply(reply: Reply, encoding: 'base64' | 'utf8'): Json {
  if (Buffer.isBuffer(reply)) return reply.toString(encoding)
  if (Array.isArray(reply)) return reply.map((item) => encodeReply(item, encoding))
  return reply
}
