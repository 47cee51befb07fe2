import { NeonDbError, neon, neonConfig } from '@neondatabase/serverless'

/** Milliseconds for one response. Neon wakes in about half a second; what takes longer is down. */
const RESPONSE_TIMEOUT_MS = 3_000

/** Milliseconds for a read with its retry: clients see 503 within five seconds. */
const READ_BUDGET_MS = 4_800

/** Milliseconds before the retry, half of it random, so that clients of a short outage don't march. */
const RETRY_PAUSE_MS = 200

/** Runs a statement with the values of `$1`, `$2`, … and returns its rows. */
type Query = (text: string, values: unknown[]) => Promise<unknown[]>

/** What statements run on. `read` may send a statement twice, `write` never does. */
export type Database = { read: Query; write: Query }

/**
 * A statement that failed. Of what the driver threw it keeps only what names no data: a message or
 * detail of PostgreSQL quotes values, hashes included.
 */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
  /** SQLSTATE, `no_response` when the database gave none, `unexpected_rows` for rows of another shape. */
  readonly code: string
  /** The name of the constraint or unique index that a row violated. */
  readonly constraint: string | undefined

  constructor(code: string, constraint?: string) {
    super(code)
    this.code = code
    this.constraint = constraint
  }
}

const SQLSTATE = /^[0-9A-Z]{5}$/

const databaseError = (thrown: unknown) =>
  thrown instanceof NeonDbError && thrown.code && SQLSTATE.test(thrown.code)
    ? new DatabaseError(thrown.code, thrown.constraint)
    : new DatabaseError('no_response')

type Transport = RequestInit & { endpoint?: string; idempotent?: boolean }

// The driver has no timeout, no retry and one global fetch: ours reads the connection's own options.
neonConfig.fetchFunction = async (url: string, { endpoint, idempotent, ...init }: Transport) => {
  const send = (timeout: number) =>
    fetch(endpoint ?? url, { ...init, signal: AbortSignal.timeout(timeout) })
  if (!idempotent) return send(RESPONSE_TIMEOUT_MS)
  const started = Date.now()
  const response = await send(RESPONSE_TIMEOUT_MS).catch(() => undefined)
  if (response && response.status < 500) return response
  await scheduler.wait(RETRY_PAUSE_MS * (0.5 + Math.random() / 2))
  return send(Math.min(RESPONSE_TIMEOUT_MS, READ_BUDGET_MS - (Date.now() - started)))
}

/**
 * The database at `url`. Over HTTP, so nothing is opened.
 *
 * @param endpoint where SQL over HTTP is spoken, if not at Neon's own address
 */
export function connect({
  url,
  endpoint,
}: {
  url: string
  endpoint: string | undefined
}): Database {
  const options = endpoint ? { endpoint: `${endpoint}/sql` } : {}
  const query = (fetchOptions: Transport): Query => {
    const sql = neon(url, { fetchOptions })
    return (text, values) =>
      sql.query(text, values).catch((thrown: unknown) => {
        throw databaseError(thrown)
      })
  }
  return { read: query({ ...options, idempotent: true }), write: query(options) }
}

const UNIQUE_VIOLATION = '23505'

/** The name of the unique index that a row violated, if that is why the statement failed. */
export const violatedIndex = (error: unknown): string | undefined =>
  error instanceof DatabaseError && error.code === UNIQUE_VIOLATION ? error.constraint : undefined
