/** `npm run adopt`, as whoever runs it for the first time sees it. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { stringify } from 'csv-stringify/sync'
import { expect, test } from 'vitest'
import { PYTHON_HASH } from '../../bench/adopt/old-database.ts'
import { readDecisions } from '../../scripts/adopt/decisions.ts'
import {
  adopt,
  adoptAsProgram,
  isReadingHeldUp,
  newDatabase,
  oldDatabase,
  reportFile,
  startAdopting,
} from './old-service.ts'

test('npm run adopt, interrupted by Ctrl-C, says what stays, and goes on when it is run again', async () => {
  const [from, to] = [await oldDatabase('later'), await newDatabase()]
  await from.query('begin; lock table users in access exclusive mode')
  const run = startAdopting(from, to, '--apply', '--report', await reportFile())
  const said = text(run.stderr)
  await expect.poll(() => isReadingHeldUp(from), { timeout: 60_000 }).toHaveLength(1)
  run.kill('SIGINT')
  expect(await once(run, 'exit')).toEqual([130, null])
  expect(await said).toMatch(
    /^Interrupted\. What was imported stays: run this again to go on\.\n$/m,
  )
  await from.query('rollback')
  expect((await adopt(from, to)).outcome.users.imported).toBeGreaterThan(0)
})

test('npm run adopt ends with the command that takes the decisions; a dry run says that it imported nothing', async () => {
  const [from, to] = [await oldDatabase('first'), await newDatabase()]
  const file = await reportFile()
  const dry = await adoptAsProgram(from, to, '--report', file)
  const next = file.replace('report.csv', 'next-report.csv')
  expect(dry.stdout).toMatch(/^Users: \d+ to import \(\d+ of them changed\), 3 rejected$/m)
  expect(dry.stdout).toContain(`--decisions ${file} --report ${next}`)
  const applied = await adoptAsProgram(from, to, '--report', file, '--apply')
  expect(applied.stdout).toMatch(/^Users: \d+ imported /m)
  expect(applied.stdout).toContain(
    `npm run adopt -- --since --apply --decisions ${file} --report ${next}`,
  )
})

test('npm run adopt leaves a name to the one who spelled it so, and calls no row changed that was never updated', async () => {
  const [from, to] = [await oldDatabase('first', 1), await newDatabase()]
  await from.query(
    `insert into users (id, username, email, hashed_password, is_active, created_at) values
      (501, 'ｗｉｍ', 'wide.wim@example.com', '${PYTHON_HASH}', true, now()),
      (502, 'wim', 'wim@example.com', '${PYTHON_HASH}', true, now())`,
  )
  const { report } = await adopt(from, to)
  expect(await to.query('select username from users where id in (501, 502) order by id')).toEqual([
    ...[{ username: 'wim-501' }, { username: 'wim' }],
  ])
  expect(report.filter(({ id }) => id === '502')).toMatchObject([
    { action: 'import', field: 'updated_at', reason: 'is null' },
  ])
})

test('npm run adopt -- --since names the columns that differ', async () => {
  const [from, to] = [await oldDatabase('later'), await newDatabase()]
  await adopt(from, to)
  await from.query(`
    update users set email = 'moved@example.com', is_superuser = true where id = 1001;
    update users set username = 'there' where id = 1002`)
  await to.query(`update users set full_name = 'Here' where id = 1002`)
  const { report } = await adopt(from, to, { isSince: true })
  expect(report.filter(({ id }) => ['1001', '1002'].includes(id))).toMatchObject([
    { action: 'update', field: 'email, is_superuser' },
    { action: 'conflict', field: 'username, full_name' },
  ])
  const decisions = new Map([['users 1002', { isSkipped: true, account: {} }]])
  const { outcome } = await adopt(from, to, { isSince: true, decisions })
  expect(outcome.users).toMatchObject({ conflicts: 0, unchanged: expect.any(Number) })
  expect(await to.query('select full_name from users where id = 1002')).toEqual([
    { full_name: 'Here' },
  ])
})

test('a decision counts as a spreadsheet capitalizes it; import is only for the table admin', async () => {
  const file = await reportFile()
  const decide = async (table: string, decision: string) => {
    await writeFile(file, stringify([{ table, id: 6, decision }], { header: true }))
    return readDecisions(file)
  }
  expect(await decide('users', 'Skip')).toEqual(
    new Map([['users 6', { isSkipped: true, account: {} }]]),
  )
  expect((await decide('admin', 'Import')).get('admin 6')?.isTaken).toBe(true)
  await expect(decide('users', 'import')).rejects.toThrow(/import is only for rows of the table/)
})
