/** `npm run adopt -- --apply`, killed again and again, against a run in one go. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres } from '../../local/postgres/index.ts'
import { CommandError } from '../../scripts/command-line.ts'
import { applyMigrations } from '../../scripts/migrate.ts'
import { BAD_TIMES, NO_TIMES } from './old-database.ts'

const sumOf = (table: string, order: string, where = 'true') =>
  `(select md5(string_agg(md5((to_jsonb(t) - 'adopted_at')::text), '' order by ${order})) from ${table} t where ${where})`

/** What was imported. Times that the old rows lack are when the adoption began, so they differ. */
const CONTENT = `select
  ${sumOf('users', 'id', `id not in (${NO_TIMES}, ${BAD_TIMES})`)} as users,
  ${sumOf('admins', 'id')} as admins,
  ${sumOf('legacy_password_resets', 'token_hash')} as resets,
  (select array_agg(total order by is_active) from (
    select is_active, sum(total)::int as total from user_totals group by 1
  ) as totals) as totals,
  array(select last_value from users_id_seq union all select last_value from admins_id_seq) as ids,
  (select count(*)::int from users) as count`

async function contentOf(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(CONTENT)
  await client.end()
  return rows[0]
}

/** Whether it was still running. */
async function killAfter(seconds: number, command: string[]): Promise<boolean> {
  const child = spawn(process.execPath, command, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const timer = new AbortController()
  const { signal } = timer
  await Promise.race([exited, sleep(seconds * 1000, undefined, { signal }).catch(() => {})])
  timer.abort()
  child.kill('SIGKILL')
  const [code] = await exited
  return code === null
}

type Killing = {
  kills: number
  /** What one run took. */
  seconds: number
  /** The database that it left. */
  undisturbedUrl: string
  /** Of another server, which is started for this. */
  dataDir: string
  commandTo: (url: string) => string[]
}

/**
 * Kills the command at random moments, and compares what the last run leaves with what one run did.
 *
 * @throws {CommandError} if anything differs
 */
export async function killAgainAndAgain(killing: Killing): Promise<void> {
  const { kills, seconds, undisturbedUrl, dataDir, commandTo } = killing
  const postgres = await startPostgres({ dataDir, database: 'killed' })
  try {
    await applyMigrations(postgres.url)
    const command = commandTo(postgres.url)
    for (let n = 1; n <= kills; n++) {
      const moment = Math.random() * seconds
      if (!(await killAfter(moment, command))) break
      const { count } = await contentOf(postgres.url)
      console.log(`Kill ${n}, after ${moment.toFixed(1)} s: ${count} users are there.`)
    }
    await once(spawn(process.execPath, command, { stdio: 'ignore' }), 'exit')
    const [content, expected] = await Promise.all([postgres.url, undisturbedUrl].map(contentOf))
    const different = Object.keys(expected).filter(
      (part) => JSON.stringify(content[part]) !== JSON.stringify(expected[part]),
    )
    if (different.length > 0) throw new CommandError(`After the kills, ${different} differ.`)
    console.log('After the last run: users, admins, reset links, totals and next ids as in one go.')
  } finally {
    await postgres.stop()
  }
}
