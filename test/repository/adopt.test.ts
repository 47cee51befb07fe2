/** `npm run adopt`, as a program: what a first adoption reports and imports. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { stringify } from 'csv-stringify/sync'
import { expect, test } from 'vitest'
import { AWKWARD, FORMS, PYTHON_HASH, RESET_TOKEN } from '../../bench/adopt/old-database.ts'
import { readDecisions } from '../../scripts/adopt/decisions.ts'
import {
  accountsOf,
  adopt,
  adoptAsProgram,
  type Connected,
  newDatabase,
  oldDatabase,
  type ReportLine,
  reportFile,
} from './old-service.ts'

/** The lines of one row, as `action field`. */
const linesOf = (report: ReportLine[] | undefined, id: number, table = 'users') =>
  report
    ?.filter((line) => line.table === table && line.id.replace("'", '') === String(id))
    .map(({ action, field }) => `${action} ${field}`.trim())

const userOf = async ({ query }: Connected, id: number) =>
  (await query('select * from users where id = $1', [id]))[0]

const OLD_TABLES = ['users', 'admin', 'admins', 'password_reset_tokens']

/** All that is in the old tables. */
async function contentOf({ query }: Connected) {
  const found = await query(
    `select relname from pg_class where relname = any($1) and relnamespace = 'public'::regnamespace`,
    [OLD_TABLES],
  )
  const content = []
  for (const { relname } of found) content.push(await query(`select * from ${relname} order by id`))
  return content
}

test.each(FORMS)(
  'npm run adopt on tables of the form "%s" writes a report and nothing else; --apply does what it says',
  async (form) => {
    const [from, to] = [await oldDatabase(form), await newDatabase()]
    const before = await contentOf(from)
    const dry = await adoptAsProgram(from, to)
    expect(dry).toMatchObject({ code: 3, stderr: expect.stringContaining('Reading users: 57') })
    expect(dry.stdout).toMatch(/^Dry run: nothing was imported\. \d+ rows need a decision/m)
    expect(await to.query('select from users')).toEqual([])
    expect(await to.query(`select from pg_namespace where nspname = 'adoption'`)).toEqual([])

    const { code, stdout, report } = await adoptAsProgram(from, to, '--apply')
    expect({ code, stdout }).toEqual({
      code: 3,
      stdout: expect.stringMatching(/^Adopted and verified\. \d+ rows need a decision: see .*$/m),
    })
    // Only the time that stands for missing ones differs: it is when the adoption began.
    const said = (lines: ReportLine[] | undefined) =>
      lines?.map((line) => (line.field.endsWith('_at') ? { ...line, new: '' } : line))
    expect(said(report)).toEqual(said(dry.report))
    expect(await contentOf(from)).toEqual(before)

    const [{ count }] = await from.query('select count(*)::int from users')
    const rejected = [-5, 6, 18]
    for (const id of rejected) expect(linesOf(report, id)?.[0]).toMatch(/^reject (id|email)$/)
    expect(
      await to.query('select count(*)::int, min(adopted_at) is not null as marked from users'),
    ).toEqual([{ count: count - rejected.length, marked: true }])
    expect(await to.query('select action, outcome, details from audit_events')).toEqual([
      {
        ...{ action: 'accounts_adopted', outcome: 'success' },
        details: { by: 'operator', users: count - rejected.length, admins: 2 },
      },
    ])
    expect(await to.query('select id from admins order by id')).toEqual([{ id: 1 }, { id: 3 }])
    expect(await to.query('select sum(total)::int as total from user_totals')).toEqual([
      { total: count - rejected.length },
    ])
    const [{ next }] = await to.query(`select nextval('users_id_seq')::int as next`)
    expect(next).toBe(1020 + 10_000 + 1)
  },
)

test('npm run adopt imports ordinary rows to the microsecond, times without a zone as UTC', async () => {
  const [from, to] = [await oldDatabase('first'), await newDatabase()]
  await adopt(from, to)
  const columns = 'id, username, email, hashed_password, is_active'
  const ordinary = 'from users where id > 1000 or id = 1 order by id'
  const old = await from.query(
    `select ${columns}, created_at at time zone 'UTC' as created_at,
      updated_at at time zone 'UTC' as updated_at ${ordinary}`,
  )
  expect(await to.query(`select ${columns}, created_at, updated_at ${ordinary}`)).toEqual(old)
  expect(await to.query(`select created_at::text from users where id = 1`)).toEqual([
    { created_at: '2023-05-01 12:00:00.123456+00' },
  ])
})

test('npm run adopt leaves ids for new accounts, however high one in the old table is', async () => {
  const [from, to] = [await oldDatabase('first', 1), await newDatabase()]
  await from.query(`update users set id = 2147483647 where id = 1001`)
  const { report } = await adopt(from, to)
  expect(linesOf(report, 2147483647)).toEqual(['reject id'])
  const [{ id }] = await to.query(
    `insert into users (username, email) values ('new', 'new@example.com') returning id`,
  )
  expect(id).toBe(43 + 10_000 + 1)
})

test('npm run adopt says of each awkward row what happens to which field', async () => {
  const [from, to] = [await oldDatabase('between'), await newDatabase()]
  const { report, outcome } = await adopt(from, to)
  expect(outcome.bcryptCost).toBe(12)
  expect(outcome.notes).toEqual([
    'users has columns that are left behind: phone.',
    expect.stringContaining('more than 72 bytes'),
    expect.stringMatching(/^Set BCRYPT_COST=12\. Costs of the hashes: 4: [\d.]+%, 12: [\d.]+%\.$/),
  ])
  const lines = Object.fromEntries(AWKWARD.map(({ id }) => [id, linesOf(report, id)]))
  const isSuperuserNull = 'change is_superuser'
  expect({
    ...lines,
    ...Object.fromEntries([40, 41, 42, 43].map((id) => [id, linesOf(report, id)])),
  }).toEqual({
    '-5': ['reject id'],
    1: ['import'],
    2: ['change username'],
    3: ['import'],
    4: ['change username'],
    5: ['import'],
    6: ['reject email'],
    7: ['change username'],
    8: ['import username'],
    9: ['import username'],
    10: ['change username'],
    11: ['import'],
    12: ['change email', 'import username'],
    13: ['change username'],
    14: ['change username'],
    15: ['import email'],
    16: ['change email'],
    17: ['import email'],
    18: ['reject email'],
    19: ['change hashed_password'],
    20: ['change hashed_password'],
    21: ['change hashed_password'],
    22: ['import'],
    23: ['change hashed_password'],
    24: ['change full_name'],
    25: ['change full_name'],
    26: ['change full_name'],
    27: ['import username'],
    28: ['import username'],
    29: ['change username', 'import username'],
    30: ['import'],
    31: ['import'],
    32: ['import'],
    40: ['change is_active', isSuperuserNull],
    41: [isSuperuserNull, 'change created_at', 'change updated_at'],
    42: [isSuperuserNull, 'change created_at', 'change updated_at'],
    43: [isSuperuserNull, 'change updated_at'],
  })
  expect(linesOf(report, 1, 'admin')).toEqual(['reject id'])
  expect(linesOf(report, 9, 'admin')).toEqual(['reject id'])
  expect(linesOf(report, 2, 'admins')).toEqual(['reject email'])

  const names = await to.query(
    'select id, username from users where id < 33 and id <> 29 order by id',
  )
  expect(Object.fromEntries(names.map(({ id, username }) => [id, username]))).toMatchObject({
    ...{ 1: 'ada', 2: 'user-2', 3: 'ada-2', 4: 'Ada-4', 7: 'user-7', 8: 'own@example.com' },
    ...{ 9: 'free@example.net', 10: 'olga-10', 11: 'olga', 13: 'user-13', 14: 'user-14' },
  })
  expect(await userOf(to, 5)).toMatchObject({ email: 'Grace@Example.com' })
  expect(await userOf(to, 12)).toMatchObject({
    username: 'inv\u00adisible',
    email: 'invisible@example.com',
  })
  expect(await userOf(to, 24)).toMatchObject({ full_name: 'Zoë 👩‍👩‍👧' })
  for (const id of [19, 20, 21]) expect((await userOf(to, id)).hashed_password).toBe(null)
  expect(await userOf(to, 40)).toMatchObject({ is_active: true, is_superuser: false })

  // No hash, and nothing that stands in its place; no formula.
  const cells = report.flatMap((line) => Object.values(line))
  for (const cell of cells) expect(cell).not.toMatch(/\$2[aby]\$|hunter2|^[=+@-]/)
  expect(cells).toContain("'=cmd|calc")
})

test('npm run adopt imports open reset links as a SHA-256 hash, and reports those it does not import', async () => {
  const [from, to] = [await oldDatabase('later'), await newDatabase()]
  const { report, outcome } = await adopt(from, to)
  expect(outcome.resets).toBe(1)
  expect(report.filter(({ table }) => table === 'password_reset_tokens')).toMatchObject([
    { id: 'r1', action: 'import' },
    { id: 'r4', action: 'reject' },
  ])
  const imported = await to.query(
    'select token_hash, user_id, expires_at from legacy_password_resets',
  )
  const [{ expires_at }] = await from.query(
    `select expires_at from password_reset_tokens where id = 'r1'`,
  )
  expect(imported).toEqual([
    { token_hash: createHash('sha256').update(RESET_TOKEN).digest(), user_id: 1, expires_at },
  ])
})

test('npm run adopt -- --decisions takes what somebody wrote into the report', async () => {
  const [from, to] = [await oldDatabase('between'), await newDatabase()]
  const { report } = await adopt(from, to, { isApplied: false })
  const DECISIONS: Record<string, string> = {
    'users 6': 'email=grace.hopper@example.com',
    'users 18': 'email=noemail@example.com',
    'users -5': 'skip',
    'users 2': 'username=ada.lovelace',
    'users 20': 'is_active=false',
    'admin 9': 'import',
    'admins 2': 'skip',
  }
  const decided = report.map((line) => ({
    ...line,
    decision: DECISIONS[`${line.table} ${line.id.replace("'", '')}`] ?? '',
  }))
  const file = await reportFile()
  // As a spreadsheet with another list separator saves it.
  await writeFile(file, stringify(decided, { header: true, bom: true, delimiter: ';' }))
  const again = await adoptAsProgram(from, to, '--apply', '--decisions', file)
  expect(again).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Adopted and verified\. The report is/m),
  })
  expect(await userOf(to, 6)).toMatchObject({ email: 'grace.hopper@example.com' })
  expect(await userOf(to, 18)).toMatchObject({ email: 'noemail@example.com' })
  expect(await userOf(to, 2)).toMatchObject({
    username: 'ada.lovelace',
    hashed_password: PYTHON_HASH,
  })
  expect(await userOf(to, 20)).toMatchObject({ is_active: false })
  expect((await accountsOf(to, 'admins')).map(({ account }) => account.id)).toEqual([1, 3, 9])

  // Decisions hold, whether or not they are passed again.
  const { outcome } = await adopt(from, to, { isSince: true })
  expect(outcome.users).toMatchObject({ updated: 0, undecided: 0 })
  expect(outcome.admins).toMatchObject({ updated: 0, undecided: 0, unchanged: 3 })

  for (const [decision, message] of [
    ['email=nobody', /record 1 \(users 6\): email must be an email address/],
    ['username=evil.com', /username must not read as a web address/],
    ['delete', /a decision is skip, import, username=…/],
  ] as const) {
    await writeFile(file, stringify([{ table: 'users', id: 6, decision }], { header: true }))
    await expect(readDecisions(file)).rejects.toThrow(message)
  }
})
