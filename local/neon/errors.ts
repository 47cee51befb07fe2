import pg from 'pg'

/** An error of the gateway itself. `message` is Neon's message in the same case. */
export class GatewayError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'GatewayError'
    this.status = status
  }
}

/** PostgreSQL is unreachable or rejected the connection. */
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

export interface ErrorResponse {
  status: number
  body: Record<string, string | null>
}

function errorBody(status: number, message: string, db?: pg.DatabaseError): ErrorResponse {
  const body: ErrorResponse['body'] = {
    message,
    code: db?.code ?? '',
    severity: db?.severity ?? '',
  }
  for (const field of DETAILS) body[field] = db?.[field] ?? null
  return { status, body }
}

/**
 * The response of Neon's proxy to the same error: 400 for an error of the statement or the caller (the
 * driver reads the fields of a 400 only), 500 if the database is unreachable or rejects the connection.
 */
export function errorResponse(error: unknown): ErrorResponse {
  if (error instanceof GatewayError) return errorBody(error.status, error.message)
  if (error instanceof ConnectError) return connectErrorResponse(error.cause)
  if (error instanceof pg.DatabaseError) return errorBody(400, error.message, error)
  const reason = error instanceof Error ? error.message : String(error)
  // The connection broke while the statement ran. Neon returns 400 here too.
  return errorBody(400, `error communicating with the server: ${reason}`)
}

function connectErrorResponse(cause: unknown): ErrorResponse {
  if (cause instanceof pg.DatabaseError) {
    // Neon checks passwords itself, so there is no error code from PostgreSQL.
    if (cause.code === '28P01') return errorBody(400, cause.message.replaceAll('"', "'"))
    return errorBody(500, cause.message, cause)
  }
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
  return errorBody(500, `error connecting to server: ${reason}`)
}
