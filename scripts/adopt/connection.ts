import pg from 'pg'
import { CommandError } from '../command-line.ts'
import { connectTo, requireDirect } from '../postgres.ts'
import { checkDatabaseUrl } from '../variables.ts'

const EXAMPLE =
  "OLD_DATABASE_URL='postgresql://user:password@old-host/database' DATABASE_URL='postgresql://user:password@host/database' npm run adopt"

/**
 * A connection on which times are text in UTC, and nothing times out.
 *
 * @param name what the URL was given as: `--from (OLD_DATABASE_URL)`
 * @throws {CommandError} without the password
 */
export async function connect(name: string, url: string | undefined): Promise<pg.Client> {
  const connectionString = checkDatabaseUrl(name, url, EXAMPLE)
  requireDirect(connectionString, name)
  const client = await connectTo(connectionString, name, {
    application_name: 'adopt',
    keepAlive: true,
  })
  await client.query(`set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set statement_timeout = 0;
    set idle_in_transaction_session_timeout = 0; set client_encoding = 'UTF8';
    set default_transaction_read_only = off`)
  return client
}

/** SQLSTATE, and what to do about it. */
const ADVICE: Record<string, string> = {
  '22021':
    "It is not UTF-8, as a SQL_ASCII database lets be: correct it there, as by convert_from(full_name::bytea, 'LATIN1').",
  '42501': 'Use the role that owns the tables.',
  '25006': 'It is read-only: use the primary.',
  '53100': 'Its disk is full.',
  '55P03': 'A long transaction holds the table: end it, then run this again.',
  '23505': 'Somebody took this name while it was imported: run this again.',
}

/** An error of a database in words. A detail of PostgreSQL quotes values, so it is left out. */
export function explain(error: unknown): CommandError {
  if (error instanceof CommandError) return error
  if (error instanceof pg.DatabaseError) {
    const advice = ADVICE[error.code ?? ''] ?? 'What was imported stays: run this again to go on.'
    return new CommandError(`PostgreSQL: ${error.message}. ${advice}`)
  }
  if (error instanceof Error && /[Cc]onnection|ECONN|EPIPE/.test(error.message)) {
    return new CommandError(
      `A connection broke: ${error.message}. What was imported stays: run this again to go on.`,
    )
  }
  throw error
}
