/** Erasing users (GDPR article 17): nothing that names them remains, whatever happens at the same time. */
import { expect, test } from 'vitest'
import { ERASED_BATCH, eraseDeletedUsers } from '../../src/db/erasure.ts'
import { deleteBatch } from '../../src/db/pruning.ts'
import { freshName, newAdmin, newUser } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { atOnce, auditLines, resourcesOf, tally } from './attack.ts'
import { login } from './calls.ts'
import { heldQueue } from './faulty-world.ts'

const superadmin = await newAdmin({ superadmin: true })
const byAdmin = () => visitor({ token: superadmin.access_token })

/** The tables with a row that contains this text. */
async function tablesWith(text: string): Promise<string[]> {
  const tables = await sql<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  )
  expect(tables.length).toBeGreaterThan(10)
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql(
        `select 1 from ${name} t where strpos(lower(t::text), $1) > 0 limit 1`,
        [text.toLowerCase()],
      )
      return rows.length > 0 ? [name] : []
    }),
  )
  return found.flat()
}

/** A user with something in every table, whose emails wait. Each value contains the mark. */
async function userOfEveryTable(mark: string) {
  const env = environment({ MAIL_QUEUE: heldQueue().queue })
  const user = await newUser(visitor({ env }), mark)
  const client = visitor({ env, token: user.access_token })
  await client.put('/api/users/me', { full_name: `Name ${mark}` })
  // The notice to the old address.
  await client.put('/api/users/me', { email: `moved-${mark}@example.com` })
  await client.post('/api/users/login', { username: mark, password: 'wrong' })
  await sql('insert into user_networks (account_id, network) values ($1, $2)', [user.id, mark])
  await sql('update user_sessions set user_agent = $2 where account_id = $1', [user.id, mark])
  await resetTokenOf(user.id)
  await sql('insert into legacy_password_resets values (sha256($1::bytea), $2, now())', [
    mark,
    user.id,
  ])
  for (const key of [`user:${user.id}`, `reset-mail:user:${user.id}`]) {
    await sql(`insert into attempts values ($1, 1, now() + interval '1 hour')`, [`${key}@${mark}`])
  }
  return user
}

test('31 (GDPR 17): no table contains the name, email, network or device of an erased user; the audit trail keeps the id', async () => {
  const [mark, other] = [freshName('erased'), freshName('kept')]
  const [{ id }] = [await userOfEveryTable(mark), await userOfEveryTable(other)]
  const personal = ['attempts', 'outbox', 'user_networks', 'user_sessions', 'users']
  expect((await tablesWith(mark)).toSorted()).toEqual(personal)
  const ofOther = await tablesWith(other)

  await byAdmin().delete(`/api/admins/users/${id}`)
  const before = await auditLines('user', id)
  const erased = await byAdmin().delete(`/api/admins/users/${id}?erase=true`)
  expect(erased.status).toBe(204)
  expect(await tablesWith(mark)).toEqual([])
  for (const [table, column] of [
    ['user_sessions', 'account_id'],
    ['user_networks', 'account_id'],
    ['password_resets', 'user_id'],
    ['legacy_password_resets', 'user_id'],
    ['outbox', 'user_id'],
  ]) {
    expect(await sql(`select 1 from ${table} where ${column} = $1`, [id]), table).toEqual([])
  }
  const keys = await sql(`select key from attempts where key ~ ('user:' || $1 || '($|@)')`, [id])
  expect(keys).toEqual([])
  expect(await auditLines('user', id)).toEqual([
    ...before,
    expect.objectContaining({
      ...{ action: 'user_erased', outcome: 'success' },
      ...{ actor: `admin:${superadmin.id}`, target: `user:${id}` },
      request_id: erased.headers.get('X-Request-ID'),
    }),
  ])
  expect(await tablesWith(other)).toEqual(ofOther)
})

/** An installation of its own, with users of whom `deleted` were deleted `days` ago. */
async function installation(deleted: number, days: number) {
  const url = await emptyDatabase()
  const rows = (statement: string) => sql(statement, [], url)
  await rows(
    `insert into users (username, email, is_active, deleted_at)
     select 'user' || n, 'user' || n || '@example.com', n % 3 > 0,
       case when n <= ${deleted} then now() - make_interval(days => ${days}, mins => n) end
     from generate_series(1, ${deleted + 10}) n`,
  )
  const { db } = resourcesOf(environment({ DATABASE_URL: url }))
  const erase = (seconds: number) =>
    eraseDeletedUsers(db, { seconds, requestId: crypto.randomUUID() })
  return { rows, erase, db }
}

const DAY = 24 * 60 * 60

/** Whether the totals of the list are what counting gives. */
const TOTALS = `
  select
    (select sum(total)::int from user_totals) as live,
    (select sum(total)::int from deleted_user_totals) as deleted,
    (select sum(total) from user_totals where is_active)
      = (select count(*) from users where is_active and deleted_at is null)
    and (select sum(total) from user_totals where not is_active)
      = (select count(*) from users where not is_active and deleted_at is null)
    and (select total from deleted_user_totals where is_active)
      = (select count(*) from users where is_active and deleted_at is not null) as agree`

test('31 (GDPR 17): the cron erases those who were deleted first, a batch at a time, and the totals stay right', async () => {
  const { rows, erase } = await installation(ERASED_BATCH + 50, 30)
  expect(await erase(31 * DAY)).toEqual({ erased: 0 })
  expect(await erase(30 * DAY)).toEqual({ erased: ERASED_BATCH })
  expect(await rows('select min(id), max(id) from users where deleted_at is not null')).toEqual([
    { min: 1, max: 50 },
  ])
  expect(await rows(TOTALS)).toEqual([{ live: 10, deleted: 50, agree: true }])
  expect(await erase(30 * DAY)).toEqual({ erased: 50 })
  expect(await erase(0)).toEqual({ erased: 0 })
  expect(await rows(TOTALS)).toEqual([{ live: 10, deleted: 0, agree: true }])
  const events = await rows(
    `select count(distinct target_id)::int, count(actor_id)::int as actors, min(action), max(action)
     from audit_events`,
  )
  const action = 'user_erased'
  expect(events).toEqual([{ count: ERASED_BATCH + 50, actors: 0, min: action, max: action }])
})

test('31 (GDPR 17): parallel runs of the cron erase each user once, and wait for nobody', async () => {
  const { rows, erase } = await installation(ERASED_BATCH, 30)
  // A user who is being restored at this moment.
  const restoring = rows(
    `with restored as (update users set deleted_at = null where id = 7 returning id)
     select pg_sleep(2.5) from restored`,
  )
  let isRestored = false
  const restored = restoring.then(() => {
    isRestored = true
  })
  await scheduler.wait(300)
  const runs = await atOnce(8, () => erase(30 * DAY))
  expect(isRestored).toBe(false)
  expect(runs.reduce((sum, { erased }) => sum + erased, 0)).toBe(ERASED_BATCH - 1)
  await restored
  expect(await erase(0)).toEqual({ erased: 0 })
  expect(await rows(TOTALS)).toEqual([{ live: 11, deleted: 0, agree: true }])
  expect(await rows('select count(*)::int from audit_events')).toEqual([
    { count: ERASED_BATCH - 1 },
  ])
})

test('31 (GDPR 17): an erasure and the cron that deletes expired sessions of the same user do not deadlock', async () => {
  const { rows, erase, db } = await installation(1, 30)
  // Eight by the index on ids in one order, in the table in the other; each is deleted slowly.
  await rows(
    `insert into user_sessions (id, account_id, epoch, expires_at, ends_at)
     select ('00000000-0000-0000-0000-00000000000' || 9 - n)::uuid, 1, 0,
       now() - make_interval(days => 2, mins => n), now()
     from generate_series(1, 8) n
     union all select gen_random_uuid(), 2, 0, now(), now() from generate_series(1, 5000)`,
  )
  await rows('analyze user_sessions')
  await rows(`create function slowly() returns trigger language plpgsql as $$
    begin perform pg_sleep(0.05); return old; end $$`)
  await rows(`create trigger slowly before delete on user_sessions
    for each row execute function slowly()`)
  const prune = () => deleteBatch.user_sessions(db, { seconds: DAY })
  const [{ deleted }, { erased }] = await Promise.all([prune(), erase(30 * DAY)])
  expect({ erased, isPruned: deleted > 0 }).toEqual({ erased: 1, isPruned: true })
  expect(await rows('select 1 from user_sessions where account_id = 1')).toEqual([])
})

test('31 (GDPR 17): of 50 parallel deletes, restores and erasures one erases at most; no 5xx, and the totals stay right', async () => {
  const results: number[] = []
  for (let round = 0; round < 4; round++) {
    const { id, refresh_token } = await newUser()
    const path = `/api/admins/users/${id}`
    const erase = () => byAdmin().delete(`${path}?erase=true`)
    const refresh = () => visitor().post('/api/users/refresh', { refresh_token })
    const acts = [
      () => byAdmin().delete(path),
      erase,
      () => byAdmin().post(`${path}/restore`),
      () => byAdmin().patch(path, { full_name: crypto.randomUUID() }),
      refresh,
    ]
    const responses = await atOnce(50, (i) => acts[i % acts.length]?.() ?? refresh())
    expect(responses.filter(({ status }) => status >= 500)).toEqual([])
    const events = await auditLines('user', id)
    const count = (action: string) => events.filter((event) => event.action === action).length
    const of = (act: number) => responses.filter((_, i) => i % acts.length === act)
    const erased = tally(of(1))[204] ?? 0
    expect(count('user_erased')).toBe(erased)
    expect(count('user_deleted')).toBe(tally(of(0))[204])
    // Restoring a user who is not deleted is 200 too.
    expect(count('user_deleted') - count('user_restored')).toBeGreaterThanOrEqual(erased)
    const left = await sql('select deleted_at is not null as deleted from users where id = $1', [
      id,
    ])
    expect(left).toHaveLength(1 - erased)
    const isDeleted = left[0]?.['deleted'] === true
    expect(count('user_deleted') - count('user_restored')).toBe(erased || isDeleted ? 1 : 0)
    if (erased) expect(events.at(-1)?.action).toBe('user_erased')
    results.push(erased)
  }
  expect(results.every((erased) => erased <= 1)).toBe(true)
  const totals = await sql(
    `select (select sum(total) from user_totals)
       = (select count(*) from users where deleted_at is null) as agree`,
  )
  expect(totals).toEqual([{ agree: true }])
}, 60_000)

test('31 (GDPR 17): a login whose account is erased at this moment is 401', async () => {
  const { id, username, password } = await newUser()
  // Commits after two seconds. Until then, other connections see the user.
  const erasing = sql(
    'with erased as (delete from users where id = $1 returning id) select pg_sleep(2) from erased',
    [id],
  )
  await scheduler.wait(300)
  expect((await login(username, password)).status).toBe(401)
  await erasing
})
