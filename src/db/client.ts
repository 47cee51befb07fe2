import { NeonDbError, neon, neonConfig } from '@neondatabase/serverless'
import { DrizzleQueryError, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import * as z from 'zod'

/** Milliseconds for one response. Neon wakes in about half a second; what takes longer is down. */
const ANSWER_TIMEOUT = 3_000

/** Milliseconds for a read with its retry: clients see 503 within five seconds. */
const READ_BUDGET = 4_800

/** Milliseconds before the retry, half of it random, so that clients of a short outage don't march. */
const RETRY_PAUSE = 200

/** What a statement runs on. Reads may be asked twice; what writes never is. */
export type Database = { read: Connection; write: Connection }

export type Connection = ReturnType<typeof drizzle>

type Transport = RequestInit & { endpoint?: string; idempotent?: boolean }

// The driver has no timeout, no retry and one global fetch: ours reads the connection's own options.
neonConfig.fetchFunction = async (url: string, { endpoint, idempotent, ...init }: Transport) => {
  const ask = (timeout: number) =>
    fetch(endpoint ?? url, { ...init, signal: AbortSignal.timeout(timeout) })
  if (!idempotent) return ask(ANSWER_TIMEOUT)
  const started = Date.now()
  const answer = await ask(ANSWER_TIMEOUT).catch(() => undefined)
  if (answer && answer.status < 500) return answer
  await scheduler.wait(RETRY_PAUSE * (0.5 + Math.random() / 2))
  return ask(Math.min(ANSWER_TIMEOUT, READ_BUDGET - (Date.now() - started)))
}

/**
 * The two connections to a database. HTTP, so nothing is opened.
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
  return {
    read: drizzle(neon(url, { fetchOptions: { ...options, idempotent: true } })),
    write: drizzle(neon(url, { fetchOptions: options })),
  }
}

/** Runs one statement and checks its rows: a response of another shape is an error. */
export async function many<Row extends z.ZodType>(
  connection: Connection,
  row: Row,
  statement: SQL,
): Promise<z.output<Row>[]> {
  const result = await connection.execute(statement)
  const parsed = z.array(row).safeParse(result.rows)
  if (parsed.success) return parsed.data
  throw wrongShape()
}

/** The same for a statement that returns at most one row. */
export async function maybeOne<Row extends z.ZodType>(
  connection: Connection,
  row: Row,
  statement: SQL,
): Promise<z.output<Row> | undefined> {
  return (await many(connection, row, statement))[0]
}

/** The same for a statement that always returns one row. */
export async function one<Row extends z.ZodType>(
  connection: Connection,
  row: Row,
  statement: SQL,
): Promise<z.output<Row>> {
  const found = await maybeOne(connection, row, statement)
  if (found === undefined) throw wrongShape()
  return found
}

const wrongShape = () =>
  new DrizzleQueryError('', [], new TypeError('The database returned rows of another shape'))

/** The SQLSTATE of a failed statement; undefined when the database gave none. */
export function sqlState(error: unknown): string | undefined {
  return neonErrorOf(error)?.code
}

const UNIQUE_VIOLATION = '23505'

/** The name of the unique index that a row violated, if that is why the statement failed. */
export function violatedIndex(error: unknown): string | undefined {
  const cause = neonErrorOf(error)
  return cause?.code === UNIQUE_VIOLATION ? cause.constraint : undefined
}

const neonErrorOf = (error: unknown) =>
  error instanceof DrizzleQueryError && error.cause instanceof NeonDbError ? error.cause : undefined

const Pong = z.object({ alive: z.literal(1) })

/** Asks the database for nothing but a response. Not retried: a health check tells what is now. */
export const pingDatabase = ({ write }: Database) => one(write, Pong, sql`select 1 as alive`)
