import { join } from 'node:path'
import { neon, neonConfig } from '@neondatabase/serverless'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import journal from '../../migrations/meta/_journal.json' with { type: 'json' }
import type { Config } from '../../src/env.ts'
import { answerLimit, type Check, type Finding, silence } from './finding.ts'

const MIGRATIONS = join(import.meta.dirname, '../../migrations')

type Query = (statement: string) => Promise<Record<string, unknown>[]>

/** The database answers over HTTP, has this code's migrations, and a way to its first admin. */
export const checkDatabase: Check = async (config) => {
  const { url, endpoint } = config.database
  if (endpoint) neonConfig.fetchEndpoint = () => `${endpoint}/sql`
  const query: Query = (statement) =>
    neon(url).query(statement, [], { fetchOptions: { signal: answerLimit() } })

  const started = performance.now()
  let version: string
  try {
    const [row] = await query('show server_version')
    version = String(row?.['server_version']).split(' ')[0] ?? ''
  } catch (error) {
    return [{ about: 'database', level: 'FAIL', words: whyNot(error) }]
  }
  const took = Math.round(performance.now() - started)
  const database: Finding = {
    about: 'database',
    level: 'ok',
    words: `PostgreSQL ${version} answers over HTTP, in ${took} ms`,
  }
  const migrations = await checkMigrations(query)
  if (migrations.level === 'FAIL') return [database, migrations]
  return [database, migrations, await checkFirstAdmin(query, config)]
}

/** What Neon's proxy says when it lets nobody in. It gives the SQLSTATE in some cases alone. */
const REFUSALS: readonly [RegExp, string][] = [
  [/password authentication failed/, 'refuses the user or the password'],
  [/"3D000"|database .+ does not exist/, 'has no database of this name'],
  [/endpoint .*not be found/, 'is not known at Neon under this host name'],
  [/"53300"|too many (?:clients|connections)/, 'has no connection left'],
  [/HTTP status 5/, "is not reached by what answers at Neon's address"],
]

function whyNot(error: unknown): string {
  const text = error instanceof Error ? error.message : ''
  const refusal = REFUSALS.find(([pattern]) => pattern.test(text))?.[1]
  return `PostgreSQL ${refusal ?? silence(error)}. Compare DATABASE_URL with the connection string at Neon's.`
}

async function checkMigrations(query: Query): Promise<Finding> {
  const fail = (words: string): Finding => ({ about: 'migrations', level: 'FAIL', words })
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
    return fail(`${tags} not applied yet. Run: DATABASE_URL=… npm run migrate`)
  }
  const changed = known.find(({ folderMillis, hash }) => hashes.get(folderMillis) !== hash)
  if (changed) {
    return fail(
      `${changed.tag} was changed after it had been applied. Take the change back, and make it a migration of its own: npm run generate`,
    )
  }
  const ahead = hashes.size - known.length
  return ahead > 0
    ? {
        about: 'migrations',
        level: 'warn',
        words: `${ahead} more are applied than this code knows: is it the newest?`,
      }
    : { about: 'migrations', level: 'ok', words: `all ${known.length} are applied` }
}

async function checkFirstAdmin(query: Query, config: Config): Promise<Finding> {
  const [row] = await query('select exists (select from admins) as found')
  const about = 'first admin'
  const token = config.bootstrapToken !== undefined
  if (row?.['found'] === true) {
    return token
      ? {
          about,
          level: 'warn',
          words: 'there is one, so ADMIN_BOOTSTRAP_TOKEN is of no use. Take it away.',
        }
      : { about, level: 'ok', words: 'there is one' }
  }
  return token || config.environment === 'development'
    ? { about, level: 'ok', words: 'none yet; POST /api/admins/register can make one' }
    : {
        about,
        level: 'warn',
        words: 'none yet, and nobody can register one. Set ADMIN_BOOTSTRAP_TOKEN.',
      }
}
