import { join } from 'node:path'
import { neon, neonConfig } from '@neondatabase/serverless'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import journal from '../../migrations/meta/_journal.json' with { type: 'json' }
import type { Config } from '../../src/env.ts'
import {
  type Check,
  connectionProblem,
  type Finding,
  fail,
  ok,
  responseTimeout,
  warn,
} from './finding.ts'

const MIGRATIONS = join(import.meta.dirname, '../../migrations')

type Query = (statement: string) => Promise<Record<string, unknown>[]>

/** The database responds over HTTP, has this code's migrations, and has a first admin or accepts one. */
export const checkDatabase: Check = async (config) => {
  const { url, endpoint } = config.database
  if (endpoint) neonConfig.fetchEndpoint = () => `${endpoint}/sql`
  const query: Query = (statement) =>
    neon(url).query(statement, [], { fetchOptions: { signal: responseTimeout() } })

  const started = performance.now()
  let version: string
  try {
    const [row] = await query('show server_version')
    version = String(row?.['server_version']).split(' ')[0] ?? ''
  } catch (error) {
    return [fail('database', describeConnectError(error))]
  }
  const duration = Math.round(performance.now() - started)
  const database = ok('database', `PostgreSQL ${version} responds over HTTP in ${duration} ms`)
  const migrations = await checkMigrations(query)
  if (migrations.level === 'FAIL') return [database, migrations]
  return [database, migrations, await checkFirstAdmin(query, config)]
}

/** By message, because Neon's proxy does not always send the SQLSTATE. */
const CONNECT_ERRORS: readonly [RegExp, string][] = [
  [/password authentication failed/, 'rejects the user name or password'],
  [/"3D000"|database .+ does not exist/, 'has no database with this name'],
  [/endpoint .*not be found/, 'does not exist at this host name'],
  [/"53300"|too many (?:clients|connections)/, 'has no free connections'],
  [/HTTP status 5/, "is unreachable from Neon's proxy"],
]

function describeConnectError(error: unknown): string {
  const text = error instanceof Error ? error.message : ''
  const known = CONNECT_ERRORS.find(([pattern]) => pattern.test(text))?.[1]
  const problem = known ?? connectionProblem(error)
  return `PostgreSQL ${problem}. Compare DATABASE_URL with the connection string in the Neon console.`
}

async function checkMigrations(query: Query): Promise<Finding> {
  const [table] = await query(`select to_regclass('drizzle.__drizzle_migrations') as name`)
  const applied = table?.['name']
    ? await query('select hash, created_at from drizzle.__drizzle_migrations')
    : []
  const hashes = new Map(applied.map((row) => [Number(row['created_at']), row['hash']]))
  const known = readMigrationFiles({ migrationsFolder: MIGRATIONS }).map((migration, i) => ({
    ...migration,
    tag: journal.entries[i]?.tag,
  }))
  const missing = known.filter(({ folderMillis }) => !hashes.has(folderMillis))
  if (missing.length > 0) {
    const tags = missing.map(({ tag }) => tag).join(', ')
    return fail('migrations', `${tags} not applied yet. Run: DATABASE_URL=… npm run migrate`)
  }
  const changed = known.find(({ folderMillis, hash }) => hashes.get(folderMillis) !== hash)
  if (changed) {
    return fail(
      'migrations',
      `${changed.tag} was changed after it was applied. Revert it, and make the change in a new migration: npm run generate`,
    )
  }
  const ahead = hashes.size - known.length
  return ahead > 0
    ? warn('migrations', `${ahead} more applied than this code has. Is the code up to date?`)
    : ok('migrations', `all ${known.length} are applied`)
}

async function checkFirstAdmin(query: Query, config: Config): Promise<Finding> {
  const [row] = await query('select exists (select from admins) as found')
  const hasToken = config.bootstrapToken !== undefined
  if (row?.['found'] === true) {
    return hasToken
      ? warn('first admin', 'exists, so ADMIN_BOOTSTRAP_TOKEN has no effect. Remove it.')
      : ok('first admin', 'exists')
  }
  return hasToken || config.environment === 'development'
    ? ok('first admin', 'none yet. Register one with POST /api/v1/admins/register')
    : warn('first admin', 'none yet, and none can register. Set ADMIN_BOOTSTRAP_TOKEN.')
}
