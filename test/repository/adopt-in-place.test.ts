/** `npm run adopt` in the database where the old tables are, and what it does not do. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { BAD_TIMES, FORMS, NO_TIMES } from '../../bench/adopt/old-database.ts'
import { applyMigrations } from '../../scripts/migrate.ts'
import { accountsOf, adopt, newDatabase, oldDatabase } from './old-service.ts'

const GUIDE = join(import.meta.dirname, '../../docs/migrating-from-fastapi.md')

test.each(FORMS)(
  'npm run adopt in place, on tables of the form "%s", moves them, and imports what it does from elsewhere',
  async (form) => {
    const [database, elsewhere] = [await oldDatabase(form), await newDatabase()]
    const dry = await adopt(database, database, { isApplied: false })
    expect(await database.query(`select to_regnamespace('fastapi') as moved`)).toEqual([
      { moved: null },
    ])
    await adopt(database, elsewhere)

    const { outcome, report } = await adopt(database, database)
    expect(report.length).toBe(dry.report.length)
    expect(outcome).toEqual(dry.outcome)
    // These have no times of their own.
    const isTimed = ({ account }: { account: { id: number } }) =>
      ![NO_TIMES, BAD_TIMES].includes(account.id)
    expect((await accountsOf(database, 'users')).filter(isTimed)).toEqual(
      (await accountsOf(elsewhere, 'users')).filter(isTimed),
    )
    expect(await accountsOf(database, 'admins')).toEqual(await accountsOf(elsewhere, 'admins'))

    // The old service goes on, with the connection string of the guide.
    const [, options = ''] =
      /\?(options=-csearch_path\S+)`/.exec(await readFile(GUIDE, 'utf8')) ?? []
    const oldService = new pg.Client({ connectionString: `${database.url}?${options}` })
    await oldService.connect()
    onTestFinished(() => oldService.end())
    await oldService.query(
      `insert into users (username, email, hashed_password, is_active, created_at, updated_at)
      values ('late', 'late@example.com', 'x', true, now(), now())`,
    )
    const second = await adopt(database, database, { isSince: true })
    expect(second.outcome.users).toMatchObject({ imported: 1, updated: 0, conflicts: 0 })
  },
)

test('the SQL of the guide puts the old tables of an adoption in place back', async () => {
  const database = await oldDatabase('later')
  const before = await database.query('select * from users order by id')
  await adopt(database, database)
  const guide = await readFile(GUIDE, 'utf8')
  const [, goBack = ''] = /```sql\n(begin;\ndrop schema adoption[^`]+)```/.exec(guide) ?? []
  await database.query(goBack)
  expect(await database.query('select * from users order by id')).toEqual(before)
  expect(await database.query('select version_num from alembic_version')).toHaveLength(1)
  // Nothing that is left is in the way of another beginning.
  expect((await adopt(database, database)).outcome.users.imported).toBe(before.length - 3)
})

test('npm run migrate does not touch a database with the old tables, and says what to run', async () => {
  const database = await oldDatabase('first')
  await expect(applyMigrations(database.url)).rejects.toThrow(/run: npm run adopt -- --from <url>/)
  expect(await database.query(`select to_regnamespace('drizzle') as found`)).toEqual([
    { found: null },
  ])
})

test('npm run adopt says why it does not begin, and changes nothing', async () => {
  const [from, to] = [await oldDatabase('later'), await newDatabase()]
  const [empty, old] = [await newDatabase('template1'), await oldDatabase('first', 1)]
  const rejects = (message: RegExp, ...given: Parameters<typeof adopt>) =>
    expect(adopt(...given)).rejects.toThrow(message)
  await rejects(/lacks \d+ migrations\. Run: DATABASE_URL=… npm run migrate/, from, empty)
  await rejects(/Nothing was adopted into --to yet/, from, to, { isSince: true })
  await rejects(/has no table public\.users.*--schema <name>/, empty, to)
  await rejects(/is one of this service, not of the old one/, to, await newDatabase())
  await rejects(/has the old tables\. Are --from and --to the wrong way round\?/, from, old)
  await rejects(
    /^--from \(OLD_DATABASE_URL\) is not set\. Run: OLD_DATABASE_URL=/,
    { ...from, url: '' },
    to,
  )
  const pooled = { ...from, url: 'postgresql://a:canary@ep-x-pooler.neon.tech/db' }
  await rejects(/^--from \(OLD_DATABASE_URL\) needs a direct connection/, pooled, to)
  await rejects(
    /^Can't connect to the database: .+\. Check --from \(OLD_DATABASE_URL\)\.$/,
    { ...from, url: from.url.replace(/:\d+\//, ':1/') },
    to,
  )
  await rejects(/^Can't write \/nowhere\/report\.csv: ENOENT\.$/, from, to, {
    reportFile: '/nowhere/report.csv',
  })
  expect(await to.query('select from users')).toEqual([])

  await from.query('alter table users rename hashed_password to secret')
  await rejects(/^The old table users has no column hashed_password\./, from, to)
  await from.query('alter table users rename secret to hashed_password')
  await from.query(`do $$ begin
    execute format('revoke all on users from %I', current_user);
  end $$`)
  await rejects(/permission denied for table users\. Use the role that owns the tables/, from, to)
  await from.query(`do $$ begin execute format('grant all on users to %I', current_user); end $$`)

  await to.query(`insert into users (username, email) values ('ada', 'ours@example.com')`)
  await rejects(/has accounts of its own \(1\)\. Use an empty database; or pass --merge/, from, to)
  expect(await to.query('select username from users')).toEqual([{ username: 'ada' }])
  const { report } = await adopt(from, to, { isMerged: true })
  expect(report.find(({ id, table }) => table === 'users' && id === '1')).toMatchObject({
    ...{ action: 'reject', field: 'id' },
    reason: 'is taken here by an account that was not adopted',
  })
  expect(await to.query('select username, adopted_at from users where id = 1')).toEqual([
    { username: 'ada', adopted_at: null },
  ])
  await rejects(/was adopted on 20.* Pass --since/, from, to)
})
