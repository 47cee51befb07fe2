/** Connections of commands to PostgreSQL. */
import pg from 'pg'
import { CommandError } from './command-line.ts'

const CONNECT_TIMEOUT_MS = 10_000

/**
 * @param name what the URL was given as: `DATABASE_URL`
 * @throws {CommandError} without the password
 */
export async function connectTo(
  url: string,
  name = 'DATABASE_URL',
  options: pg.ClientConfig = {},
): Promise<pg.Client> {
  try {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      ...options,
    })
    client.on('error', () => {}) // The statement fails too.
    await client.connect()
    return client
  } catch (error) {
    // A host name with several addresses fails with an error for each.
    const cause = error instanceof AggregateError ? error.errors[0] : error
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CommandError(`Can't connect to the database: ${reason}. Check ${name}.`)
  }
}

/**
 * For what keeps a lock, a snapshot or a temporary table from one statement to the next.
 *
 * @param name as of {@link connectTo}
 * @throws {CommandError} if the URL leads to Neon's pooler
 */
export function requireDirect(url: string, name = 'DATABASE_URL'): void {
  if (!new URL(url).hostname.includes('-pooler.')) return
  throw new CommandError(
    `${name} needs a direct connection, because Neon's pooler keeps no session. Remove \`-pooler\` from the host.`,
    2,
  )
}
