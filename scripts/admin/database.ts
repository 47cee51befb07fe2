import pg from 'pg'
import { type Database, DatabaseError } from '../../src/db/client.ts'
import { CommandError } from '../command-line.ts'
import { connectTo } from '../postgres.ts'

const RESPONSE_TIMEOUT_MS = 10_000

/** SQLSTATE of a table, a column or a function that does not exist. */
const NOT_MIGRATED = ['42P01', '42703', '42883']

/**
 * Runs statements of `src/db` on one connection to the database at `url`.
 *
 * @throws {CommandError} when the database can't be reached or rejects a statement, without the password
 */
export async function withDatabase<Result>(
  url: string,
  use: (db: Database) => Promise<Result>,
): Promise<Result> {
  const client = await connectTo(url, 'DATABASE_URL', { query_timeout: RESPONSE_TIMEOUT_MS })
  const query = async (text: string, values: unknown[]) => (await client.query(text, values)).rows
  try {
    return await use({ read: query, write: query })
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError(explain(error))
  } finally {
    await client.end()
  }
}

function explain(error: unknown): string {
  if (error instanceof pg.DatabaseError) {
    return NOT_MIGRATED.includes(error.code ?? '')
      ? 'The database does not have the tables of this version. Run: DATABASE_URL=… npm run migrate'
      : `The database rejected the command: ${error.message}. Nothing changed.`
  }
  return error instanceof DatabaseError
    ? 'The database has rows of another shape than this version. Is the code up to date?'
    : 'The connection failed before the response. See with `npm run admin -- list` what happened.'
}
