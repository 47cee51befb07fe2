// `npm run restore-drill`: whether a backup restores, how long that takes, and what would be lost.
import type pg from 'pg'
import { startTemporaryPostgres } from '../local/postgres/index.ts'
import { differences, readContents } from './backup/contents.ts'
import { type Manifest, newestBackup, readManifest } from './backup/manifest.ts'
import { findPrograms, run } from './backup/programs.ts'
import { serveRestored } from './backup/restored-service.ts'
import { CommandError, runCommand } from './command-line.ts'
import { applyMigrations } from './migrate.ts'
import { connectTo } from './postgres.ts'
import { byDatabase } from './smoke/eraser.ts'
import { examine } from './smoke/examine.ts'
import { resendMailbox } from './smoke/mailbox.ts'
import { linesOf } from './smoke/report.ts'
import { databaseUrlOf } from './variables.ts'

/** Seconds since the last call. */
function stopwatch(): () => string {
  let last = performance.now()
  return () => {
    const seconds = (performance.now() - last) / 1000
    last = performance.now()
    return `${seconds.toFixed(1)} s`
  }
}

async function withClient<Result>(url: string, use: (client: pg.Client) => Promise<Result>) {
  const client = await connectTo(url, '--into')
  return use(client).finally(() => client.end())
}

/** Nothing is overwritten. @throws {CommandError} */
async function requireEmpty(url: string): Promise<void> {
  const { tables } = await withClient(url, readContents)
  const [first] = Object.keys(tables)
  if (first !== undefined) {
    throw new CommandError(
      `The database of --into is not empty: it has ${first}. Create another.`,
      2,
    )
  }
}

/** An age in the largest unit that tells it. */
function ageOf(time: string): string {
  const minutes = (Date.now() - Date.parse(time)) / 60_000
  if (minutes < 120) return `${minutes.toFixed(0)} min`
  return minutes < 48 * 60
    ? `${(minutes / 60).toFixed(1)} h`
    : `${(minutes / 1440).toFixed(1)} days`
}

/** Restores, compares, serves and checks. @returns what is wrong */
async function drill(file: string, manifest: Manifest, url: string): Promise<string[]> {
  const took = stopwatch()
  const restore = ['--no-owner', '--no-privileges', '--exit-on-error', file]
  await run(findPrograms(manifest.pg_dump), 'pg_restore', restore, url)
  await withClient(url, (client) => client.query('analyze'))
  console.log(`Restored in ${took()}, of ${(manifest.bytes / 2 ** 20).toFixed(1)} MiB`)

  const problems = differences(manifest.contents, await withClient(url, readContents))
  const { tables, newest_row: newest } = manifest.contents
  for (const [name, { rows }] of Object.entries(tables)) console.log(`  ${name}: ${rows} rows`)
  console.log(
    problems.length === 0
      ? `Reconciled in ${took()}: rows and checksums of ${Object.keys(tables).length} tables are those of the backup`
      : `Not reconciled:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  )

  const { applied } = await applyMigrations(url)
  if (applied > 0) console.log(`Migrated: ${applied} migrations are newer than the backup`)
  const service = await serveRestored(url)
  console.log(`Served in ${took()}`)
  const means = {
    mailTo: 'restore-drill-{id}@example.com',
    mailbox: resendMailbox(service.mailbox),
    erase: byDatabase(url),
  }
  const target = { url: service.url, origin: undefined, timeoutMs: 15_000 }
  const { checks } = await examine(target, means).finally(service.stop)
  const failed = checks.filter(({ status }) => status === 'failed')
  for (const line of failed.flatMap(linesOf)) console.log(line)
  console.log(
    `Smoke test in ${took()}: ${failed.length === 0 ? 'passed' : `${failed.length} of ${checks.length} checks failed`}`,
  )
  if (newest) {
    console.log(
      `Newest row: ${newest}, ${ageOf(newest)} old. Lost, were it restored now: what came after ${manifest.created_at} (${ageOf(manifest.created_at)})`,
    )
  }
  return [...problems, ...failed.map(({ name }) => `the check ${name} failed`)]
}

await runCommand(
  {
    name: 'npm run restore-drill',
    about: `Restores a backup into an empty database, compares its rows with those of the backup, starts the Worker on
it, and runs the smoke test with an account. Prints how long it took and how old the newest row is.`,
    operands: { usage: '[<backup>]', most: 1 },
    options: {
      from: { type: 'string', value: '<folder>', about: 'takes the newest', default: 'backups' },
      into: {
        type: 'string',
        value: '<url>',
        about: 'an empty database (default: a temporary one)',
      },
    },
    details: `Emails of the drill end on this machine, and the cron does not run. A database of --into is kept.

Exit codes: 0 restored and reconciled; 1 not; 2 the arguments are wrong.`,
  },
  async ({ values: { from, into }, positionals: [given] }) => {
    const file = given ?? (await newestBackup(from))
    const manifest = await readManifest(file)
    console.log(`Restore drill of ${file}\n`)
    const took = stopwatch()
    const local = into === undefined ? await startTemporaryPostgres({ database: 'restored' }) : null
    try {
      const url = local?.url ?? databaseUrlOf({ DATABASE_URL: into }, 'npm run restore-drill')
      await requireEmpty(url)
      const problems = await drill(file, manifest, url)
      console.log(
        problems.length === 0 ? `\nSound, after ${took()}.` : `\nNot sound: ${problems.join('; ')}`,
      )
      return problems.length === 0 ? 0 : 1
    } finally {
      await local?.stop()
    }
  },
)
