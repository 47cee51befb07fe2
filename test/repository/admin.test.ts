/** `npm run admin`, as a program, on databases with the admins of each test. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { SessionEndedError } from '../../src/db/accounts.ts'
import { findAdmin } from '../../src/db/admins.ts'
import { findReset } from '../../src/db/password-resets.ts'
import { deriveKeys } from '../../src/tokens/keys.ts'
import { readResetToken } from '../../src/tokens/reset.ts'
import { runProgram } from '../setup/program.ts'
import type {} from '../setup/world.ts'
import { databaseWith } from './examine.ts'

const { bindings } = inject('world')

const SESSION = randomUUID()

/** Grace (1) is the only superadmin; Ada (2) has a session, and an open reset; Eve (3) is disabled. */
const ADMINS = `
  insert into admins (id, username, email, is_superadmin, is_active) overriding system value values
    (1, 'grace', 'grace@example.com', true, true), (2, 'ada', 'ada@example.com', false, true),
    (3, 'eve', 'eve@example.com', true, false);
  insert into admin_sessions (id, account_id, epoch, expires_at, ends_at)
    values ('${SESSION}', 2, 0, now() + interval '1 day', now() + interval '1 day');
  insert into admin_password_resets (admin_id, id, expires_at)
    values (2, gen_random_uuid(), now() + interval '1 hour')`

const run = (args: string[], variables: Record<string, string>) =>
  runProgram('scripts/admin.ts', args, variables)

const done = (stdout: string) => ({ code: 0, stdout: `${stdout}\n`, stderr: '' })

const refused = (message: RegExp, code = 1) => ({
  ...{ code, stdout: '' },
  stderr: expect.stringMatching(message),
})

/** A database with these admins, and what to do on it. */
async function installation(statement = ADMINS) {
  const DATABASE_URL = await databaseWith(statement)
  const client = new pg.Client({ connectionString: DATABASE_URL })
  await client.connect()
  onTestFinished(() => client.end())
  const query = async (statement: string, values: unknown[] = []) =>
    (await client.query(statement, values)).rows
  return {
    DATABASE_URL,
    db: { read: query, write: query },
    query,
    admin: (...args: string[]) => run(args, { DATABASE_URL }),
    auditLines: () =>
      query(`select action, outcome, actor_kind, actor_id, target_kind, target_id, details
        from audit_events order by id`),
  }
}

const auditLine = (action: string, id: number, details = {}) => ({
  ...{ action, outcome: 'success', actor_kind: null, actor_id: null },
  ...{ target_kind: 'admin', target_id: id, details: { by: 'operator', ...details } },
})

test('npm run admin -- list prints a line for each admin', async () => {
  const { admin, query } = await installation()
  await query(
    `update admins set created_at = '2026-01-31', username = username || E'\\x1b[2J' where id = 3`,
  )
  expect(await admin('list')).toEqual(
    done(
      [
        'ID  USERNAME  EMAIL              ROLE        STATE     SESSIONS  CREATED',
        `1   grace     grace@example.com  superadmin  active    0         ${new Date().toISOString().slice(0, 10)}`,
        `2   ada       ada@example.com    admin       active    1         ${new Date().toISOString().slice(0, 10)}`,
        '3   eve\ufffd[2J   eve@example.com    superadmin  disabled  0         2026-01-31',
      ].join('\n'),
    ),
  )
})

test('npm run admin -- disable ends sessions and open resets, and the old token stays dead after enable', async () => {
  const { db, query, admin, auditLines } = await installation()
  const me = () => findAdmin(db, { accountId: 2, sessionId: SESSION })
  expect(await me()).toMatchObject({ username: 'ada' })

  const disabled = 'Admin 2 (ada) is disabled. All sessions have ended.'
  expect(await admin('disable', 'ADA@example.com')).toEqual(done(disabled))
  await expect(me()).rejects.toThrow(SessionEndedError)
  expect(await query('select from admin_password_resets')).toEqual([])
  const again = 'Admin 2 (ada) is disabled already. Nothing changed.'
  expect(await admin('disable', '2')).toEqual(done(again))

  const enabled = 'Admin 2 (ada) is active again. Earlier sessions stay ended.'
  expect(await admin('enable', '2')).toEqual(done(enabled))
  await expect(me()).rejects.toThrow(SessionEndedError)
  expect(await auditLines()).toEqual([
    auditLine('admin_disabled', 2),
    auditLine('admin_enabled', 2),
  ])
})

test('npm run admin -- enable ends the sessions of an admin who was disabled by SQL', async () => {
  const { db, query, admin } = await installation()
  await query('update admins set is_active = false where id = 2')
  expect(await admin('enable', '2')).toMatchObject({ code: 0 })
  await expect(findAdmin(db, { accountId: 2, sessionId: SESSION })).rejects.toThrow(
    SessionEndedError,
  )
})

test('npm run admin -- promote and demote change the role; demote ends sessions', async () => {
  const { db, admin, auditLines } = await installation()
  expect(await admin('promote', '2')).toEqual(done('Admin 2 (ada) is a superadmin.'))
  const me = () => findAdmin(db, { accountId: 2, sessionId: SESSION })
  expect(await me()).toMatchObject({ is_superadmin: true })
  const demoted = 'Admin 2 (ada) is no longer a superadmin. All sessions have ended.'
  expect(await admin('demote', '2')).toEqual(done(demoted))
  await expect(me()).rejects.toThrow(SessionEndedError)
  const same = 'Admin 2 (ada) is not a superadmin. Nothing changed.'
  expect(await admin('demote', '2')).toEqual(done(same))
  expect(await auditLines()).toEqual([
    auditLine('admin_role_changed', 2, { is_superadmin: { from: false, to: true } }),
    auditLine('admin_role_changed', 2, { is_superadmin: { from: true, to: false } }),
  ])
})

test('npm run admin -- end-sessions signs an admin out everywhere', async () => {
  const { db, admin, auditLines } = await installation()
  expect(await admin('end-sessions', '2')).toEqual(done('Admin 2 (ada) is signed out everywhere.'))
  await expect(findAdmin(db, { accountId: 2, sessionId: SESSION })).rejects.toThrow(
    SessionEndedError,
  )
  expect(await auditLines()).toEqual([auditLine('admin_sessions_revoked', 2)])
})

test('npm run admin does not disable or demote the last active superadmin; a disabled one does not count', async () => {
  const { query, admin, auditLines } = await installation()
  const before = await query('select * from admins order by id')
  for (const command of ['disable', 'demote']) {
    expect(await admin(command, '1')).toEqual(
      refused(/^Admin 1 \(grace\) is the last active superadmin\. Promote another admin first/),
    )
  }
  expect(await query('select * from admins order by id')).toEqual(before)
  expect(await admin('demote', 'eve@example.com')).toMatchObject({ code: 0 })
  expect(await auditLines()).toHaveLength(1)
})

test('npm run admin: of ten superadmins who are disabled and demoted at once, one remains', async () => {
  const superadmins = Array.from(
    { length: 10 },
    (_, i) => `(${i + 1}, 'admin${i}', 'admin${i}@example.com', true)`,
  )
  const { DATABASE_URL, query, admin } = await installation(
    `insert into admins (id, username, email, is_superadmin) overriding system value
     values ${superadmins.join(', ')}`,
  )
  // All of them wait for the same row, and go on with what they saw before.
  const holder = new pg.Client({ connectionString: DATABASE_URL })
  await holder.connect()
  await holder.query('begin; select from admins where id = 1 for update')
  const acts = superadmins.map((_, i) => admin(i % 2 ? 'disable' : 'demote', String(i + 1)))
  await expect
    .poll(
      () =>
        query(`select count(*)::int as n from pg_stat_activity
          where wait_event_type = 'Lock' and datname = current_database()`),
      { timeout: 30_000 },
    )
    .toEqual([{ n: 10 }])
  await holder.query('commit')
  await holder.end()
  const outcomes = await Promise.all(acts)
  expect(outcomes.filter(({ code }) => code === 0)).toHaveLength(9)
  const [refusal] = outcomes.filter(({ code }) => code !== 0)
  expect(refusal).toEqual(refused(/is the last active superadmin/))
  expect(await query('select from admins where is_superadmin and is_active')).toHaveLength(1)
})

test('npm run admin -- reset-password prints a link that works once, and writes an audit line', async () => {
  const { DATABASE_URL, db, query, auditLines } = await installation()
  const folder = await mkdtemp(join(tmpdir(), 'admin-'))
  const file = join(folder, 'vars')
  const lines = Object.entries({ ...bindings, DATABASE_URL })
  await writeFile(file, lines.map(([name, value]) => `${name}='${value}'`).join('\n'))
  const { code, stdout, stderr } = await run(['reset-password', '2', '--file', file], {})
  await rm(folder, { recursive: true })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [, link = ''] =
    /^Admin 2 \(ada\) can choose a new password with this link, once, within 60 minutes:\n(\S+)\n$/.exec(
      stdout,
    ) ?? []
  const { origin, pathname, hash } = new URL(link)
  expect(origin + pathname).toBe('https://accounts.example.com/reset-password')
  const fields = new URLSearchParams(hash.slice(1))
  expect(fields.get('account')).toBe('admin')

  const keys = deriveKeys({
    secretKey: bindings['SECRET_KEY'] ?? '',
    signingKeys: JSON.parse(bindings['JWT_SIGNING_KEYS'] ?? '').keys,
  })
  const resetId = readResetToken(keys, 'admin', fields.get('token') ?? '') ?? ''
  expect(await findReset.admin(db, { resetId })).toMatchObject({ email: 'ada@example.com' })
  expect(await query('select id from admin_password_resets')).toEqual([{ id: resetId }])
  expect(await auditLines()).toEqual([auditLine('password_reset_requested', 2)])
})

test('npm run admin -- reset-password says what is missing, and how to have the link mailed', async () => {
  const { admin, DATABASE_URL, auditLines } = await installation()
  const missing = await admin('reset-password', '2')
  expect(missing).toEqual(refused(/SECRET_KEY: is missing.*Or have the link mailed: POST/s, 2))
  const disabled = await run(['reset-password', '3'], { ...bindings, DATABASE_URL })
  expect(disabled).toEqual(refused(/^Admin 3 \(eve\) is disabled\. Enable it first/))
  expect(await auditLines()).toEqual([])
})

test.each([
  [[], /^Which command\? See: npm run admin -- --help/],
  [['dissable', '2'], /^There is no command dissable\. See: npm run admin -- --help/],
  [['disable'], /^disable takes one admin/],
  [['disable', '2', '3'], /^Unexpected argument '3'/],
  [['list', '2'], /^list takes no admin/],
  [['list', '--all'], /^Unknown option '--all'/],
  [['list', '--file', '/nowhere/vars'], /^Can't read \/nowhere\/vars/],
  [['list'], /^DATABASE_URL is not set/],
])('npm run admin -- %j without DATABASE_URL exits with 2', async (args, message) => {
  expect(await run(args, {})).toEqual(refused(message, 2))
})

test('npm run admin -- --help prints every command', async () => {
  const { code, stdout, stderr } = await run(['--help'], {})
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const command of [
    ...['list', 'disable', 'enable', 'promote', 'demote', 'end-sessions', 'reset-password'],
  ]) {
    expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
  }
})

test('npm run admin says that there is no such admin, or that the name is neither an id nor an email', async () => {
  const { admin } = await installation()
  expect(await admin('disable', '99')).toEqual(refused(/^No admin has the id 99\./))
  expect(await admin('disable', 'x@example.com')).toEqual(
    refused(/^No admin has the email x@example\.com\./),
  )
  for (const who of ['grace', '0', '99999999999', '1; drop table admins']) {
    expect(await admin('disable', who)).toEqual(refused(/is neither an id nor an email/, 2))
  }
})

test('npm run admin says that the database is down, rejects the password, or is not migrated', async () => {
  const url = new URL(bindings['DATABASE_URL'] ?? '')
  const on = async (change: Partial<URL>) => {
    const DATABASE_URL = Object.assign(new URL(url), change).href
    return run(['list'], { DATABASE_URL })
  }
  const unreachable = refused(/^Can't connect to the database: .+\. Check DATABASE_URL\.\n$/)
  expect(await on({ port: '1' })).toEqual(unreachable)
  expect(await on({ hostname: 'database.invalid' })).toEqual(unreachable)
  expect(await on({ pathname: '/nothing' })).toEqual(unreachable)
  const empty = await databaseWith('drop table admins cascade')
  expect(await run(['list'], { DATABASE_URL: empty })).toEqual(
    refused(/^The database does not have the tables of this version\. Run: DATABASE_URL=/),
  )
})
