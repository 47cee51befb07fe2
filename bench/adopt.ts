// `npm run bench:adopt`: how long adopting an old database takes, and how much memory.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres } from '../local/postgres/index.ts'
import { CommandError, runCommand } from '../scripts/command-line.ts'
import { applyMigrations } from '../scripts/migrate.ts'
import { killAgainAndAgain, OPEN } from './adopt/kills.ts'
import { addAwkward, addUsers, createOldTables, FORMS, type Form } from './adopt/old-database.ts'

const ADOPT = join(import.meta.dirname, '../scripts/adopt.ts')

/** Between two looks at the memory of the command. */
const WATCH_MS = 200

type Run = { seconds: number; peakMiB: number; outcome: string }

/** Runs the command, and looks at its memory meanwhile (Linux). */
async function adopt(args: string[]): Promise<Run> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [ADOPT, ...args])
  let peakMiB = 0
  let isRunning = true
  const watched = (async () => {
    while (isRunning) {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
      peakMiB = Math.max(peakMiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
      await sleep(WATCH_MS)
    }
  })()
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  isRunning = false
  await watched
  if (code !== OPEN) throw new CommandError(`npm run adopt exited with ${code}: ${stdout}${stderr}`)
  const seconds = (performance.now() - startedAt) / 1000
  return { seconds, peakMiB, outcome: /^(?:Dry run|Adopted).*/m.exec(stdout)?.[0] ?? '' }
}

async function measure(form: Form, accounts: number, kills: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-adopt-'))
  // Not the one of the tests: what is committed must be on the disk.
  const postgres = await startPostgres({ dataDir: folder, database: 'accounts' })
  const oldPostgres = await startPostgres({ dataDir: join(folder, 'old'), database: 'old' })
  try {
    await applyMigrations(postgres.url)
    const old = new pg.Client({ connectionString: oldPostgres.url })
    old.on('error', () => {}) // The server stops before it, where something has failed.
    await old.connect()
    await createOldTables(old, form)
    await addUsers(old, form, accounts)
    await addAwkward(old, form)
    await old.query('vacuum analyze')
    const argsTo = (url: string) => [
      ...['--from', oldPostgres.url, '--to', url],
      ...['--report', join(folder, 'report.csv')],
    ]
    const args = argsTo(postgres.url)
    const print = (what: string, { seconds, peakMiB, outcome }: Run) =>
      console.log(
        `${what}: ${seconds.toFixed(1)} s, ${Math.round(accounts / seconds)} accounts a second, ${Math.round(peakMiB)} MiB. ${outcome}`,
      )
    print('dry run', await adopt(args))
    const applied = await adopt([...args, '--apply'])
    print('--apply', applied)
    if (kills > 0) {
      await killAgainAndAgain({
        ...{ kills, seconds: applied.seconds, undisturbedUrl: postgres.url },
        dataDir: join(folder, 'killed'),
        commandTo: (url) => [ADOPT, ...argsTo(url), '--apply'],
      })
    }
    await old.query(
      `update users set hashed_password = (select hashed_password from users where id = 1)
      where id > 1000 and id % 100 = 0`,
    )
    print('--since, 1 % changed', await adopt([...args, '--apply', '--since']))
    await old.end()
  } finally {
    await Promise.all([postgres.stop(), oldPostgres.stop()])
    await rm(folder, { recursive: true, force: true })
  }
}

await runCommand(
  {
    name: 'npm run bench:adopt',
    about: 'How long adopting an old database takes (npm run adopt), and how much memory.',
    options: {
      accounts: {
        type: 'string',
        value: '<n>',
        least: 1,
        default: '100000',
        about: 'how many users',
      },
      form: {
        type: 'string',
        value: '<form>',
        among: FORMS,
        default: 'later',
        about: 'of the old tables',
      },
      kills: {
        type: 'string',
        value: '<n>',
        least: 0,
        default: '0',
        about: 'kills another --apply so often, and compares what it leaves',
      },
    },
    details: 'Two databases of this machine, with every awkward row among the users.',
  },
  async ({ values: { accounts, form = 'later', kills } }) => {
    console.log(`${accounts} users, tables of the form "${form}", ${availableParallelism()} cores`)
    await measure(form as Form, Number(accounts), Number(kills))
  },
)
