/**
 * The request and response formats of Upstash's REST API.
 *
 * @see https://upstash.com/docs/redis/features/restapi
 */

export type Command = readonly [name: string, ...args: string[]]
export type Reply = string | number | null | Reply[]
export type Outcome = { result: Reply } | { error: string }

/** A request that is rejected before it reaches Redis. The message is the `error` of the response. */
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

/** Reads the commands from the body of a request to `/`, `/pipeline` or `/multi-exec`. */
export function parseCall(path: string, body: Buffer): Call {
  switch (path.replace(/\/$/, '')) {
    case '':
      return { mode: 'single', commands: [parseCommand(parseJson(body, 'command'), 'command')] }
    case '/pipeline':
      return { mode: 'pipeline', commands: parseCommands(body, 'pipeline') }
    case '/multi-exec':
      return { mode: 'transaction', commands: parseCommands(body, 'multi-exec') }
    default:
      throw new RequestError('ERR no such path: use /, /pipeline or /multi-exec', 404)
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

/** Keeps all digits of `12345678901234567890`, if the runtime provides the source text. */
function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? value) : value
}

/**
 * An outcome in Upstash's format. With `base64` every string is encoded except a bare `OK`, which the
 * SDK expects unencoded.
 */
export function encodeOutcome(outcome: Outcome, base64: boolean): Outcome {
  if ('error' in outcome || !base64 || outcome.result === 'OK') return outcome
  return { result: encodeReply(outcome.result) }
}

function encodeReply(reply: Reply): Reply {
  if (typeof reply === 'string') return Buffer.from(reply).toString('base64')
  return Array.isArray(reply) ? reply.map(encodeReply) : reply
}
