// `npm run migrate`: brings the database of DATABASE_URL to the newest migration of migrations/.
import { join } from 'node:path'
import { DrizzleQueryError } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'

const MIGRATIONS = join(import.meta.dirname, '../migrations')

/** Any number will do, as long as it stays: two runs at once meet at this advisory lock. */
const LOCK = 715_517_364
const CONNECT_TIMEOUT_MS = 10_000

export interface MigrationOutcome {
  /** How many were applied now; 0 when the database was up to date. */
  applied: number
  /** How many there are. */
  total: number
}

async function countApplied(client: pg.Client): Promise<number> {
  const found = await client.query(`SELECT to_regclass('drizzle.__drizzle_migrations') AS name`)
  if (found.rows[0]?.name === null) return 0
  const { rows } = await client.query('SELECT count(*)::int AS n FROM drizzle.__drizzle_migrations')
  return Number(rows[0]?.n ?? 0)
}

/**
 * Applies what is missing, all of it in one transaction. Safe to run twice at once: the second run
 * waits for the first and finds nothing to do.
 *
 * @throws Error that says what failed and never shows the password
 */
export async function applyMigrations(
  databaseUrl: string,
  folder = MIGRATIONS,
): Promise<MigrationOutcome> {
  const total = readMigrationFiles({ migrationsFolder: folder }).length
  let client: pg.Client
  try {
    client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    })
    client.on('error', () => {}) // Fails the statement that is running; no need to hear it twice.
    await client.connect()
  } catch (error) {
    throw new Error(`The database can't be reached: ${reason(error)}. Is DATABASE_URL right?`)
  }
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK])
    const before = await countApplied(client)
    await migrate(drizzle(client), { migrationsFolder: folder })
    return { applied: (await countApplied(client)) - before, total }
  } catch (error) {
    throw new Error(`A migration failed, and nothing was changed: ${reason(error)}`)
  } finally {
    await client.end() // Ends the lock too.
  }
}

function reason(error: unknown): string {
  const cause = error instanceof DrizzleQueryError ? error.cause : error
  if (!(cause instanceof Error)) return String(cause)
  const detail = cause instanceof pg.DatabaseError && cause.detail ? ` (${cause.detail})` : ''
  return (cause.message || cause.name) + detail
}

if (import.meta.main) {
  const { DATABASE_URL: url } = process.env
  if (!url) {
    console.error('Set DATABASE_URL: DATABASE_URL=postgresql://… npm run migrate')
    process.exit(2)
  }
  if (url.includes('-pooler.')) {
    console.error(
      "Migrations need Neon's direct connection, as its pooler keeps no locks: take `-pooler` out of the host.",
    )
    process.exit(2)
  }
  try {
    const { applied, total } = await applyMigrations(url)
    console.log(
      applied === 0
        ? `Up to date: all ${total} migrations are applied.`
        : `Applied ${applied} of ${total} migrations.`,
    )
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exit(1)
  }
}
