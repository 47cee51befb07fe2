import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startTemporaryPostgres } from '../../local/postgres/index.ts'
import journal from '../../migrations/meta/_journal.json' with { type: 'json' }
import * as schema from '../../migrations/schema.ts'
import { applyMigrations } from '../../scripts/migrate.ts'

/** Four log in, two change their profile. */
const CALLERS = [1, 2, 3, 4, 5, 6]

const FOLDER = join(import.meta.dirname, '../../migrations')

type Snapshot = Parameters<typeof generateMigration>[0]

const files = await readdir(join(FOLDER, 'meta'))
const snapshots = await Promise.all(
  files
    .filter((name) => name !== '_journal.json')
    .sort()
    .map(
      async (name): Promise<Snapshot> =>
        JSON.parse(await readFile(join(FOLDER, 'meta', name), 'utf8')),
    ),
)

test('migrations/schema.ts matches the migrations (if not: npm run generate)', async () => {
  const last = snapshots.at(-1)
  if (!last) throw new Error('There is no snapshot')
  const now = generateDrizzleJson(schema, last.id)
  expect(await generateMigration(last, now)).toEqual([])
  // The comparison detects differences.
  expect(await generateMigration(last, { ...now, tables: {} })).not.toEqual([])
})

test('each migration follows the one before', () => {
  expect(journal.entries.map(({ idx }) => idx)).toEqual([...journal.entries.keys()])
  const times = journal.entries.map(({ when }) => when)
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
  expect(snapshots.length).toBe(journal.entries.length)
  for (const [i, { prevId }] of snapshots.entries()) {
    expect(prevId).toBe(snapshots[i - 1]?.id ?? '00000000-0000-0000-0000-000000000000')
  }
})

test('the journal lists every migration, and none of them reverts another', async () => {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort()
  expect(files).toEqual(journal.entries.map(({ tag }) => `${tag}.sql`))
  expect(files.filter((name) => /down|revert|rollback/i.test(name))).toEqual([])
})

/** Migrations as they were before the last one. */
async function previousFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  await cp(FOLDER, folder, { recursive: true })
  const entries = journal.entries.slice(0, -1)
  await writeFile(join(folder, 'meta/_journal.json'), JSON.stringify({ ...journal, entries }))
  return folder
}

test('32: the last migration applies while users log in and change their profile: nothing fails on either side', async () => {
  const postgres = await startTemporaryPostgres({ database: 'accounts' })
  const folder = await previousFolder()
  const pool = new pg.Pool({ connectionString: postgres.url })
  // The server stops before its idle connections do.
  pool.on('error', () => {})
  try {
    await applyMigrations(postgres.url, folder)
    await pool.query(
      `insert into users (username, email, hashed_password)
       select 'user' || n, 'user' || n || '@example.com', 'x' from generate_series(1, 20000) n`,
    )
    let isOver = false
    /** How often each caller has acted. */
    const times: number[] = []
    const act = async (statement: string, caller: number, ...parameters: unknown[]) => {
      for (let n = 0; !isOver; n++) {
        await pool.query(statement, [caller * 1000 + (n % 500), ...parameters])
        times[caller] = n + 1
      }
    }
    const allHaveActedSince = (before: readonly number[]) =>
      expect.poll(() => CALLERS.every((n) => (times[n] ?? 0) > (before[n] ?? 0))).toBe(true)
    // As a login and a profile update do: they read the user, then write what belongs to it.
    const logIn = `with account as (select id, session_epoch from users where id = $1), opened as (
        insert into user_sessions (id, account_id, epoch, expires_at, ends_at)
        select gen_random_uuid(), id, session_epoch, now(), now() from account
      ), rehashed as (update users set hashed_password = 'y' where id = $1)
      select id from account`
    const update = `with actor as (select id from users where id = $1 for update)
      update users set full_name = $2, is_active = not is_active from actor where users.id = actor.id`
    const traffic = Promise.all(
      CALLERS.map((n) => (n <= 4 ? act(logIn, n) : act(update, n, `Caller ${n}`))),
    )
    traffic.catch(() => {})
    try {
      await allHaveActedSince([])
      expect(await applyMigrations(postgres.url)).toMatchObject({ applied: 1 })
      await allHaveActedSince([...times])
    } finally {
      isOver = true
    }
    await traffic
    const { rows } = await pool.query(
      `select (select sum(total) from user_totals where is_active) = count(*) as agree
       from users where is_active and deleted_at is null`,
    )
    expect(rows).toEqual([{ agree: true }])
  } finally {
    await pool.end()
    await postgres.stop()
    await rm(folder, { recursive: true })
  }
})
