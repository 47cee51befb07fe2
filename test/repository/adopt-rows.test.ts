/** What `npm run adopt` makes of one row, of a time, and of a decision. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { PYTHON_HASH } from '../../bench/adopt/old-database.ts'
import type { OldRow } from '../../scripts/adopt/account.ts'
import { adviseCost } from '../../scripts/adopt/advice.ts'
import { judge } from '../../scripts/adopt/judge.ts'
import { openReport } from '../../scripts/adopt/report.ts'
import { flagOf, timeOf } from '../../scripts/adopt/values.ts'
import { Email, FullName, Identifier } from '../../src/routes/input.ts'

const NOW = '2026-11-30 12:00:00+00'

const ROW: OldRow = {
  ...{ id: '7', username: 'ada', email: 'ada@example.com', full_name: 'Ada Lovelace' },
  ...{ hashed_password: PYTHON_HASH, is_active: 'true', elevated: 'false' },
  ...{ created_at: '2024-02-29 12:00:00.5+00', updated_at: '2024-03-01 00:00:00+00' },
}

const judged = (row: Partial<OldRow>) =>
  judge({ ...ROW, ...row }, { accountType: 'user', now: NOW })

/** `action field: old -> new` of each finding. */
const findingsOf = (row: Partial<OldRow>) =>
  judged(row).findings.map(({ action, field, ...values }) =>
    [action, field, ...('new' in values ? ['->', values.new] : [])].join(' '),
  )

test('an ordinary row is imported as it is', () => {
  const { account, findings, seen } = judged({})
  const { id: _, ...values } = ROW
  expect({ account, findings, seen }).toEqual({
    account: { ...values, is_active: true, elevated: false },
    findings: [],
    seen: 'ada',
  })
})

test('columns that the old table lacks are no findings', () => {
  const { id, username, email, hashed_password } = ROW
  const { account, findings } = judge(
    { id, username, email, hashed_password },
    { accountType: 'user', now: NOW },
  )
  expect(findings).toEqual([])
  expect(account).toMatchObject({
    ...{ full_name: null, is_active: true, elevated: false, created_at: NOW, updated_at: NOW },
  })
})

describe('a username', () => {
  test.each<[string, string[]]>([
    ['ａｄａ', ['change username -> ada']],
    ['\u00a0ada\n', ['change username -> ada']],
    ['ada@example.com', ['import username']],
    ['someone@example.com', ['import username']],
    ['ada lovelace', ['import username']],
    ['\u200b', ['change username -> user-7']],
    ['\ufdfa'.repeat(15), ['change username -> user-7']],
  ])('%j: %j', (username, expected) => {
    expect(findingsOf({ username })).toEqual(expected)
  })

  test.each([
    'ａｄａ',
    '\u00a0ada\n',
    'ol\u200bga',
    '\ufdfa'.repeat(14),
    'a\u200c.b',
    'İ',
    '\u2105',
  ])('%j is stored as a login looks for it', (username) => {
    expect(judged({ username }).account.username).toBe(Identifier.parse(username))
  })
})

describe('an email', () => {
  test.each<[string, string[]]>([
    ['Ada@Example.com', []],
    [' ada@example.com', ['change email -> ada@example.com']],
    ['ada@example.com\u200b', ['change email -> ada@example.com']],
    ['ａｄａ@example.com', ['change email -> ada@example.com']],
    ['jürgen@example.com', ['import email']],
    ['"a b"@example.com', ['import email']],
    ['nobody', ['import email']],
    ['', ['reject email']],
    ['\u200b', ['reject email']],
    [`${'x'.repeat(250)}@example.com`, ['reject email']],
  ])('%j: %j', (email, expected) => {
    expect(findingsOf({ email })).toEqual(expected)
    if (expected.every((finding) => !/^(import|reject)/.test(finding))) {
      expect(Email.safeParse(judged({ email }).account.email).success).toBe(true)
    }
  })
})

test.each([
  ['  ', null],
  ['Zoe\u0308', 'Zoë'],
  ['Ada\u202e', 'Ada'],
  ['\u2066👩‍👩‍👧\u2069', '👩‍👩‍👧'],
  ['क्\u200dष \u0007', 'क्\u200dष'],
  [`${'x'.repeat(98)}👩‍👩‍👧`, 'x'.repeat(98)],
])('a full name %j becomes %j, which the service accepts', (full_name, expected) => {
  const { account, findings } = judged({ full_name })
  expect([account.full_name, findings.length]).toEqual([expected, 1])
  expect(FullName.parse(account.full_name)).toBe(expected)
})

describe('a hash', () => {
  const digest = PYTHON_HASH.slice(7)
  test.each([PYTHON_HASH, `$2a$10$${digest}`, `$2y$04$${digest}`, `$2b$14$${digest}`])(
    '%s is kept',
    (hashed_password) => {
      expect(judged({ hashed_password })).toMatchObject({
        account: { hashed_password },
        findings: [],
      })
    },
  )

  test.each([
    [null, /is missing/],
    ['', /is missing/],
    ['hunter2', /is not a bcrypt hash/],
    [PYTHON_HASH.slice(0, 59), /is not a bcrypt hash/],
    [`b'${PYTHON_HASH}'`, /is not a bcrypt hash/],
    [`$2x$12$${digest}`, /is not a bcrypt hash/],
    [`$2b$15$${digest}`, /has cost 15/],
    [`$2b$31$${digest}`, /has cost 31/],
  ])('%j becomes null, and is in no finding', (hashed_password, reason) => {
    const { account, findings } = judged({ hashed_password })
    expect(account.hashed_password).toBe(null)
    expect(findings).toEqual([
      { action: 'change', field: 'hashed_password', reason: expect.stringMatching(reason) },
    ])
  })
})

test.each(['0', '-5', '2146483648', '2147483648', '', 'NaN'])('the id %j is rejected', (id) => {
  expect(findingsOf({ id })).toContain('reject id')
})

test('null flags are changed to active and not elevated', () => {
  expect(findingsOf({ is_active: null, elevated: null })).toEqual([
    'change is_active -> true',
    'change elevated -> false',
  ])
  expect(['t', '1', 'YES', 'f', '0', 'off', '', 'maybe'].map(flagOf)).toEqual([
    ...[true, true, true, false, false, false, undefined, undefined],
  ])
})

test.each<readonly [string | null, string | undefined]>([
  ['2024-02-29 12:00:00.120000+00', '2024-02-29 12:00:00.12+00'],
  ['2024-02-29T12:00:00Z', '2024-02-29 12:00:00+00'],
  ['2024-02-29 12:00:00.123456', '2024-02-29 12:00:00.123456+00'],
  ['2024-02-29 12:00:00.5+02', '2024-02-29 10:00:00.5+00'],
  ['2024-02-29 12:00:00-0530', '2024-02-29 17:30:00+00'],
  ['2024-02-29', '2024-02-29 00:00:00+00'],
  ['2026-12-01 11:59:59+00', '2026-12-01 11:59:59+00'],
  ...[null, '', 'infinity', '-infinity', '0044-03-15 00:00:00+00 BC', '2024-02-31 00:00:00+00'].map(
    (text) => [text, undefined] as const,
  ),
  ...['1969-12-31 23:59:59+00', '2026-12-02 00:00:00+00', '12024-01-01 00:00:00+00', 'now'].map(
    (text) => [text, undefined] as const,
  ),
])('the time %j is %j', (text, expected) => {
  expect(timeOf(text, NOW)).toBe(expected)
})

test('a time that is none becomes the other one, or now', () => {
  expect(judged({ created_at: null }).account.created_at).toBe(ROW.updated_at)
  expect(judged({ updated_at: 'infinity' }).account.updated_at).toBe(ROW.created_at)
  expect(judged({ created_at: null, updated_at: null }).account).toMatchObject({
    ...{ created_at: NOW, updated_at: NOW },
  })
})

test('nobody else can read the report, although everybody could read the file before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'adopt-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'report.csv')
  await writeFile(file, 'table,id', { mode: 0o644 })
  await (await openReport(file)).close()
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('BCRYPT_COST is advised to be the most common cost, within 10 to 14', () => {
  expect(adviseCost(new Map())).toBeUndefined()
  expect(adviseCost(new Map([[8, 5]]))?.cost).toBe(10)
  expect(
    adviseCost(
      new Map([
        [12, 98],
        [10, 1],
        [14, 1],
      ]),
    ),
  ).toEqual({
    cost: 12,
    text: 'Set BCRYPT_COST=12. Costs of the hashes: 10: 1%, 12: 98%, 14: 1%. 1 hashes are more expensive: their logins take longer, which shows that the account exists.',
  })
})
