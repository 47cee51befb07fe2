// `npm run migrate`: applies the migrations in migrations/ to the database at DATABASE_URL.
import { join } from 'node:path'
import { DrizzleQueryError } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'
import { CommandError, runCommand } from './command-line.ts'
import { connectTo, requireDirect } from './postgres.ts'
import { databaseUrlOf } from './variables.ts'

const MIGRATIONS = join(import.meta.dirname, '../migrations')

/** The key of the advisory lock that parallel runs wait for. An arbitrary number. */
const LOCK_KEY = 715_517_364

export interface MigrationOutcome {
  /** How many were applied by this run: 0 if the database was up to date. */
  applied: number
  /** How many migrations there are. */
  total: number
}

async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = await connectTo(databaseUrl)
  // The old tables may have a schema of their own, that their role looks into first.
  await client.query('set search_path = public')
  return client
}

const readMigrations = (folder: string) => readMigrationFiles({ migrationsFolder: folder })

/** Whether tables of the former service are where those of this one go. */
export async function hasFormerTables(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT to_regclass('public.users') IS NOT NULL AND NOT EXISTS (
      SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.users') AND attname = 'session_epoch'
    ) AS found`,
  )
  return rows[0]?.found === true
}

async function countApplied(client: pg.Client): Promise<number> {
  const found = await client.query(`SELECT to_regclass('drizzle.__drizzle_migrations') AS name`)
  if (found.rows[0]?.name === null) return 0
  const { rows } = await client.query('SELECT count(*)::int AS n FROM drizzle.__drizzle_migrations')
  return Number(rows[0]?.n ?? 0)
}

/**
 * Applies the missing migrations in one transaction. Parallel runs are safe: the second one waits for
 * the first and has nothing left to do.
 *
 * @param beforehand SQL for the same transaction, before the first migration
 * @throws {CommandError} that describes the failure, without the password
 */
export async function applyMigrations(
  databaseUrl: string,
  folder = MIGRATIONS,
  beforehand?: string,
): Promise<MigrationOutcome> {
  const total = readMigrations(folder).length
  const client = await connect(databaseUrl)
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY])
    if (beforehand !== undefined) {
      // drizzle's own `begin` goes on with this transaction, and its `commit` or `rollback` ends it.
      await client.query(`BEGIN; ${beforehand}`)
    } else if (await hasFormerTables(client)) {
      throw new CommandError(
        "This database has a table users that is not of this service. If it is the FastAPI service's, run: npm run adopt -- --from <url> --to <url>, with this URL twice (docs/migrating-from-fastapi.md). Nothing changed.",
      )
    }
    const before = await countApplied(client)
    await migrate(drizzle(client), { migrationsFolder: folder })
    return { applied: (await countApplied(client)) - before, total }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`A migration failed and was rolled back: ${reason(error)}`)
  } finally {
    await client.end() // Also releases the lock.
  }
}

/** How many migrations the database lacks. @throws Error as {@link applyMigrations} */
export async function countMissing(databaseUrl: string, folder = MIGRATIONS): Promise<number> {
  const client = await connect(databaseUrl)
  try {
    return Math.max(0, readMigrations(folder).length - (await countApplied(client)))
  } finally {
    await client.end()
  }
}

function reason(error: unknown): string {
  const cause = error instanceof DrizzleQueryError ? error.cause : error
  if (!(cause instanceof Error)) return String(cause)
  const detail = cause instanceof pg.DatabaseError && cause.detail ? ` (${cause.detail})` : ''
  return (cause.message || cause.name) + detail
}

if (import.meta.main) {
  await runCommand(
    {
      name: 'npm run migrate',
      about: 'Applies the migrations in migrations/ to the database at DATABASE_URL.',
      details: `All that are missing, in one transaction: if one fails, none is applied. The connection must be direct,
not through Neon's pooler. The local database is migrated by \`npm run dev\`.`,
    },
    async () => {
      const url = databaseUrlOf(process.env, 'npm run migrate')
      requireDirect(url)
      const { applied, total } = await applyMigrations(url)
      console.log(
        applied === 0
          ? `Up to date: all ${total} migrations are applied.`
          : `Applied ${applied} of ${total} migrations.`,
      )
    },
  )
}
