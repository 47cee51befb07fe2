import { NeonDbError, neon, neonConfig } from '@neondatabase/serverless'
import { timeoutSignal } from '../timeout.ts'

/** Milliseconds for one response. Neon wakes in about half a second; what takes longer is down. */
const RESPONSE_TIMEOUT_MS = 3_000

/**
 * Milliseconds that a request may wait for the database in all, retries included: with the limiter before
 * it, clients see 503 within five seconds. Waiting for a turn to hash does not count.
 */
const REQUEST_BUDGET_MS = 4_300

/** Milliseconds before the retry, half of it random, so that clients of a short outage don't march. */
const RETRY_PAUSE_MS = 200

/** Runs a statement with the values of `$1`, `$2`, … and returns its rows. */
type Query = (text: string, values: unknown[]) => Promise<unknown[]>

/** What statements run on. `read` may send a statement twice, `write` never does. */
export type Database = { read: Query; write: Query }

/** Outside of a request, as in the queue's consumer, each statement has a time limit of its own. */
export type Connection = Database & {
  /** For the statements of one request, which share a time limit that begins now. */
  forRequest(): Database
}

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

type Transport = RequestInit & {
  endpoint?: string | undefined
  idempotent?: boolean
  /** Milliseconds for the response, retry included. */
  budget?: number
}

// The driver has no timeout, no retry and one global fetch: ours reads the options of the statement.
neonConfig.fetchFunction = async (
  url: string,
  { endpoint, idempotent, budget = Number.POSITIVE_INFINITY, ...init }: Transport,
) => {
  const started = Date.now()
  async function send() {
    const left = budget - (Date.now() - started)
    if (left <= 0) throw new DatabaseError('no_response')
    const signal = timeoutSignal(Math.min(RESPONSE_TIMEOUT_MS, left))
    return fetch(endpoint ?? url, { ...init, signal })
  }
  if (!idempotent) return send()
  const response = await send().catch(() => undefined)
  if (response && response.status < 500) return response
  await scheduler.wait(RETRY_PAUSE_MS * (0.5 + Math.random() / 2))
  return send()
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
}): Connection {
  const sql = neon(url)
  const sqlEndpoint = endpoint && `${endpoint}/sql`

  async function query(transport: Transport, text: string, values: unknown[]) {
    try {
      return await sql.query(text, values, {
        fetchOptions: { endpoint: sqlEndpoint, ...transport },
      })
    } catch (thrown) {
      throw databaseError(thrown)
    }
  }

  function forRequest(): Database {
    let budget = REQUEST_BUDGET_MS
    const spend =
      (idempotent: boolean): Query =>
      async (text, values) => {
        const started = Date.now()
        try {
          return await query({ idempotent, budget }, text, values)
        } finally {
          budget -= Date.now() - started
        }
      }
    return { read: spend(true), write: spend(false) }
  }

  return {
    read: (text, values) => query({ idempotent: true }, text, values),
    write: (text, values) => query({ idempotent: false }, text, values),
    forRequest,
  }
}

const UNIQUE_VIOLATION = '23505'

/** The name of the unique index that a row violated, if that is why the statement failed. */
export const violatedIndex = (error: unknown): string | undefined =>
  error instanceof DatabaseError && error.code === UNIQUE_VIOLATION ? error.constraint : undefined
