import pg from 'pg'

/** An error of the gateway itself; `message` is what Neon says in the same case. */
export class GatewayError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'GatewayError'
    this.status = status
  }
}

/** PostgreSQL could not be reached, or turned the connection away. */
export class ConnectError extends Error {
  constructor(cause: unknown) {
    super('could not connect to postgres', { cause })
    this.name = 'ConnectError'
  }
}

const DETAILS = [
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

export interface ErrorAnswer {
  status: number
  body: Record<string, string | null>
}

function answer(status: number, message: string, db?: pg.DatabaseError): ErrorAnswer {
  const body: ErrorAnswer['body'] = {
    message,
    code: db?.code ?? '',
    severity: db?.severity ?? '',
  }
  for (const field of DETAILS) body[field] = db?.[field] ?? null
  return { status, body }
}

/**
 * The answer Neon's proxy gives to the same trouble: 400 for what the statement or the caller did
 * (the driver reads the fields of a 400 alone), 500 where the database can't be reached or refuses
 * the connection.
 */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof GatewayError) return answer(error.status, error.message)
  if (error instanceof ConnectError) return connectAnswer(error.cause)
  if (error instanceof pg.DatabaseError) return answer(400, error.message, error)
  const reason = error instanceof Error ? error.message : String(error)
  // The connection broke while the statement ran: no word from PostgreSQL, still a 400 at Neon.
  return answer(400, `error communicating with the server: ${reason}`)
}

function connectAnswer(cause: unknown): ErrorAnswer {
  if (cause instanceof pg.DatabaseError) {
    // Neon checks passwords itself, before it asks PostgreSQL: the caller's fault, without a code.
    if (cause.code === '28P01') return answer(400, cause.message.replaceAll('"', "'"))
    return answer(500, cause.message, cause)
  }
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
  return answer(500, `error connecting to server: ${reason}`)
}
