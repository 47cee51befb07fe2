// `npm run explain`: every statement of the Worker with its plan, on a local database full of accounts.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startTemporaryPostgres } from '../local/postgres/index.ts'
import type { Statement } from '../src/db/statement.ts'
import { CommandError, runCommand } from './command-line.ts'
import { applyMigrations } from './migrate.ts'

const DB = join(import.meta.dirname, '../src/db')
const NIL = '00000000-0000-0000-0000-000000000000'

type AnyStatement = Statement<Record<string, never>, unknown>

/** The statements of `src/db` by the name that one imports and calls: `sessions.openSession.user`. */
export async function findStatements(): Promise<Map<string, AnyStatement>> {
  const found = new Map<string, AnyStatement>()
  const collect = (name: string, value: unknown) => {
    if (isStatement(value)) found.set(name, value)
    else if (
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every(isStatement)
    ) {
      for (const [key, each] of Object.entries(value)) collect(`${name}.${key}`, each)
    }
  }
  for (const file of (await readdir(DB)).sort()) {
    const exports: Record<string, unknown> = await import(join(DB, file))
    for (const [name, value] of Object.entries(exports)) {
      collect(`${file.replace('.ts', '')}.${name}`, value)
    }
  }
  return found
}

const isStatement = (value: unknown): value is AnyStatement =>
  typeof value === 'function' && 'text' in value && 'parameters' in value

/** Users, a twentieth of them disabled and a hundredth deleted, and 100 admins, each with three sessions and one more of the first; resets, attempts, emails, history. */
const seed = (accounts: number) => `
  insert into users (username, email, hashed_password, is_active, deleted_at)
    select 'user' || n, 'user' || n || '@example.com', 'x', n % 20 <> 7,
      case when n % 100 = 3 then now() - make_interval(mins => n * 37 % 50000) end
    from generate_series(1, ${accounts}) n;
  insert into admins (username, email, hashed_password, is_superadmin)
    select 'admin' || n, 'admin' || n || '@example.com', 'x', true from generate_series(1, 100) n;
  insert into user_sessions (id, account_id, epoch, expires_at, ends_at)
    select gen_random_uuid(), id, 0, now() + interval '7 days', now() + interval '30 days'
    from users, generate_series(1, 3)
    union all select '${NIL}', 1, 0, now() + interval '7 days', now() + interval '30 days';
  insert into admin_sessions (id, account_id, epoch, expires_at, ends_at)
    select gen_random_uuid(), id, 0, now() + interval '7 days', now() + interval '30 days'
    from admins, generate_series(1, 3)
    union all select '${NIL}', 1, 0, now() + interval '7 days', now() + interval '30 days';
  insert into user_networks (account_id, network) select id, '203.0.113.0/24' from users;
  insert into password_resets (user_id, id, expires_at)
    select id, case when id = 1 then '${NIL}' else gen_random_uuid() end, now() + interval '15 minutes'
    from users where id % 100 = 1;
  insert into admin_password_resets (admin_id, id, expires_at)
    select id, case when id = 1 then '${NIL}' else gen_random_uuid() end, now() + interval '15 minutes'
    from admins where id % 10 = 1;
  insert into attempts (key, count, resets_at)
    select 'user:' || id, 3, now() + interval '15 minutes' from users where id % 10 = 1;
  insert into outbox (id, user_id, recipient, mail)
    select case when id = 1 then '${NIL}' else gen_random_uuid() end, id, email,
      jsonb_build_object('kind', 'welcome', 'name', username, 'username', username)
    from users where id % 100 = 1;
  insert into audit_events (action, outcome, actor_kind, actor_id, target_kind, target_id, request_id)
    select 'login', 'success', 'user', id, 'user', id, gen_random_uuid()
    from users, generate_series(1, 3);`

/** A value for each parameter that has to have one, by its name. */
const SAMPLE: Readonly<Record<string, string | number | boolean | string[]>> = {
  accountId: 1,
  action: 'login',
  counter: 0,
  deleted: false,
  email: 'user1@example.com',
  emailId: '00000000-0000-0000-0000-000000000001',
  id: 1,
  identifier: 'user1',
  ids: [NIL],
  isSuperadmin: false,
  limit: 11,
  mayRename: true,
  newEmailId: '00000000-0000-0000-0000-000000000002',
  newHash: 'y',
  offset: 0,
  oldEmailId: '00000000-0000-0000-0000-000000000003',
  passwordHash: 'x',
  passwordVersion: 0,
  reason: 'wrong_password',
  refreshTokenSeconds: 7 * 24 * 60 * 60,
  requestId: NIL,
  requestedAt: '2026-01-01T00:00:00Z',
  resetId: NIL,
  resetTokenSeconds: 15 * 60,
  revokedId: NIL,
  seconds: 30 * 24 * 60 * 60,
  search: 'user50',
  seed: 1,
  sessionId: NIL,
  setFullName: true,
  username: 'user1',
}

/** What is sampled otherwise, or several times: names that must be new, identifiers, filters. */
const CASES: Record<string, Record<string, unknown>[]> = {
  'admins.insertAdmin': [{ username: 'new', email: 'new@example.com' }],
  'admins-by-operator.findAdmins': [{}, { id: 1 }, { email: 'admin1@example.com' }],
  'attempts.countLoginByEmail.user': [{ identifier: 'user1@example.com' }],
  'audit-events.listAuditEvents': [{}, { targetKind: 'user', targetId: 1 }, { before: 1_000 }],
  'erasure.eraseDeletedUsers': [{ seconds: 0 }],
  'erasure.eraseUser': [{ id: 3 }],
  'outbox.deleteSentEmail': [{ id: NIL }],
  'password-resets.issueReset.admin': [{ email: 'admin1@example.com' }],
  'outbox.findPendingEmail': [{ id: NIL }],
  'sessions.openSession.admin': [{ sessionId: '00000000-0000-0000-0000-000000000001' }],
  'sessions.openSession.user': [
    { sessionId: '00000000-0000-0000-0000-000000000001' },
    { sessionId: '00000000-0000-0000-0000-000000000001', newHash: 'y' },
  ],
  'user-list.listUsers.-created_at': [{}, { after: '500' }, { isActive: false }, { deleted: true }],
  'user-list.listUsers.username': [{}, { after: 'user500' }, { isActive: false }],
  'user-list.listUsersByNumber.-created_at': [
    { offset: 10 },
    { offset: 900 },
    { offset: 11_000 },
    { offset: 40, isActive: false },
    { offset: 9, deleted: true },
  ],
  'user-search.searchUsers.-created_at': [
    { search: 'user50' },
    { search: 'u' },
    { search: 'user1', offset: 490 },
    { search: 'u', after: '500' },
  ],
  'users-by-admin.updateUser': [{ isActive: false }, { isSuperuser: true }],
  'users.insertUser': [{ username: 'new', email: 'new@example.com' }],
}

export type Explained = {
  name: string
  values: Record<string, unknown>
  text: string
  plan: string
}

/** Explains the statements on a database that {@link fill} has filled, and leaves it as it was. */
export async function explain(client: pg.Client, nameContains = ''): Promise<Explained[]> {
  const explained: Explained[] = []
  for (const [name, { text, parameters }] of await findStatements()) {
    if (!name.includes(nameContains)) continue
    for (const special of CASES[name] ?? [{}]) {
      const values = Object.fromEntries(
        Object.entries<string>(parameters).map(([parameter, type]) => {
          const sample = special[parameter] ?? (type.endsWith('?') ? null : SAMPLE[parameter])
          if (sample === undefined) throw new Error(`${name}: SAMPLE has no value for ${parameter}`)
          return [parameter, sample]
        }),
      )
      await client.query('begin')
      const { rows } = await client
        .query<{ 'QUERY PLAN': string }>(
          `explain (analyze, buffers, costs off, timing off, summary off) ${text}`,
          Object.values(values),
        )
        .catch((error: Error) => {
          throw new Error(`${name}: ${error.message}\n${text}`)
        })
        .finally(() => client.query('rollback'))
      explained.push({ name, values, text, plan: rows.map((row) => row['QUERY PLAN']).join('\n') })
    }
  }
  return explained
}

/** Fills a migrated, empty database. */
export async function fill(client: pg.Client, accounts: number): Promise<void> {
  await client.query(seed(accounts))
  await client.query('vacuum analyze')
}

async function main(accounts: number, nameContains = '') {
  const names = [...(await findStatements()).keys()]
  if (!names.some((name) => name.includes(nameContains))) {
    const files = new Set(names.map((name) => name.split('.')[0]))
    throw new CommandError(
      `No statement has "${nameContains}" in its name. Files with statements: ${[...files].join(', ')}`,
      2,
    )
  }
  const postgres = await startTemporaryPostgres({ database: 'accounts' })
  const client = new pg.Client({ connectionString: postgres.url })
  try {
    await applyMigrations(postgres.url)
    await client.connect()
    await fill(client, accounts)
    for (const { name, values: sample, text, plan } of await explain(client, nameContains)) {
      const given = Object.entries(sample).map(
        ([parameter, value], i) => `$${i + 1} ${parameter} = ${value}`,
      )
      console.log(`\n== ${name}\n${given.join(', ')}\n${text.replace(/^\s*\n/, '')}\n\n${plan}`)
    }
  } finally {
    await client.end()
    await postgres.stop()
  }
}

if (import.meta.main) {
  await runCommand(
    {
      name: 'npm run explain',
      about:
        'Prints every SQL statement of the Worker, or those whose name contains <name>, with its plan, on a\ntemporary local database.',
      operands: { usage: '[<name>]', most: 1 },
      options: {
        accounts: {
          type: 'string',
          value: '<n>',
          least: 1,
          default: '100000',
          about: 'users in the database',
        },
      },
      details:
        'Each is run and rolled back. Times are left out, as they tell of the machine; the buffers do not.',
    },
    ({ values, positionals: [name] }) => main(Number(values.accounts), name),
  )
}
