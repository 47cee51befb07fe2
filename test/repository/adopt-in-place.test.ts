/** `npm run adopt` in the database where the old tables are, and what it does not do. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FORMS } from '../../bench/adopt/old-database.ts'
import { applyMigrations } from '../../scripts/migrate.ts'
import { accountsOf, adopt, newDatabase, oldDatabase } from './old-service.ts'

const GUIDE = join(import.meta.dirname, '../../docs/migrating-from-fastapi.md')

test.each(FORMS)(
  'npm run adopt in place, on tables of the form "%s", moves them, and imports what it does from elsewhere',
  async (form) => {
    const [database, elsewhere] = [await oldDatabase(form), await newDatabase()]
    const dry = await adopt(database, database)
    expect(dry.code).toBe(3)
    expect(
      await database.query(`select to_regclass('drizzle.__drizzle_migrations') as found`),
    ).toEqual([{ found: null }])
    await adopt(database, elsewhere, '--apply')

    const { code, stdout } = await adopt(database, database, '--apply')
    expect({ code, stdout }).toEqual({
      code: 3,
      stdout: expect.stringContaining('Adopted and verified.'),
    })
    expect(await database.query('select count(*) from fastapi.users')).not.toEqual([{ count: '0' }])
    const withTimes = ({ account }: { account: { id: number } }) =>
      account.id < 41 || account.id > 43
    expect((await accountsOf(database, 'users')).filter(withTimes)).toEqual(
      (await accountsOf(elsewhere, 'users')).filter(withTimes),
    )
    expect(await accountsOf(database, 'admins')).toEqual(await accountsOf(elsewhere, 'admins'))

    // The old service goes on, once its search_path says so.
    await database.query('set search_path = fastapi, public')
    await database.query(`insert into users (username, email, hashed_password, is_active, created_at, updated_at)
      ${form === 'later' ? "values ('late', 'late@example.com', 'x', true, now(), now())" : "values ('late', 'late@example.com', 'x', true, now(), now())"}`)
    await database.query('reset search_path')
    const second = await adopt(database, database, '--since', '--apply')
    expect(second.stdout).toMatch(/^Users: 1 imported/m)
  },
)

test('the SQL of the guide takes an adoption in place back', async () => {
  const database = await oldDatabase('later')
  const before = await database.query('select * from users order by id')
  await adopt(database, database, '--apply')
  const guide = await readFile(GUIDE, 'utf8')
  const [, goBack = ''] = /```sql\n(begin;\ndrop schema adoption[^`]+)```/.exec(guide) ?? []
  await database.query(goBack)
  expect(await database.query('select * from users order by id')).toEqual(before)
  expect(await database.query('select version_num from alembic_version')).toHaveLength(1)
  expect((await adopt(database, database, '--apply')).stdout).toContain('Adopted and verified.')
})

test('npm run migrate does not touch a database with the old tables, and says what to run', async () => {
  const database = await oldDatabase('first')
  await expect(applyMigrations(database.url)).rejects.toThrow(/run: npm run adopt -- --from <url>/)
  expect(await database.query(`select to_regnamespace('drizzle') as found`)).toEqual([
    { found: null },
  ])
})

test('npm run adopt says why it does not begin, and changes nothing', async () => {
  const [from, to, empty] = [
    await oldDatabase('later'),
    await newDatabase(),
    await newDatabase('template1'),
  ]
  const rejects = async (message: RegExp, ...given: Parameters<typeof adopt>) => {
    const { code, stdout, stderr, report } = await adopt(...given)
    expect({ code, stdout, report }).toEqual({
      code: expect.any(Number),
      stdout: '',
      report: undefined,
    })
    expect(stderr).toMatch(message)
    expect([1, 2]).toContain(code)
  }
  await rejects(
    /lacks \d+ migrations\. Run: DATABASE_URL=… npm run migrate/,
    from,
    empty,
    '--apply',
  )
  await rejects(/Nothing was adopted into --to yet/, from, to, '--since')
  await rejects(/has no table public\.users.*--schema <name>/, empty, to)
  await rejects(/is one of this service, not of the old one/, to, await newDatabase())
  await rejects(
    /has the old tables where those of this service go/,
    from,
    await oldDatabase('first'),
  )

  const reader = { ...from, url: from.url.replace(/\/\/[^@]+@/, '//adopt_reader:reader@') }
  await from
    .query(`do $$ begin create role adopt_reader login password 'reader';
    exception when duplicate_object then null; end $$`)
    .catch(() => {})
  void reader

  await to.query(`insert into users (username, email) values ('ada', 'ours@example.com')`)
  await rejects(/has 1 accounts of its own\. Empty it; or pass --merge/, from, to, '--apply')
  expect(await to.query('select username from users')).toEqual([{ username: 'ada' }])
  const merged = await adopt(from, to, '--apply', '--merge')
  expect(merged.report?.filter(({ id, table }) => table === 'users' && id === '1')).toMatchObject([
    { action: 'reject', field: 'id', reason: 'is taken here, by an account that was not adopted' },
  ])
  expect(await to.query('select username, adopted_at from users where id = 1')).toEqual([
    { username: 'ada', adopted_at: null },
  ])
  await rejects(/was adopted on 20.* Pass --since/, from, to, '--apply')
  await to.query('alter table users owner to adopt_other').catch(() => {})
})
