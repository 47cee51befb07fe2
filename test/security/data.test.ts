import { describe, expect, test } from 'vitest'
import { runMaintenance } from '../../src/maintenance.ts'
import { freshName, logIn, PASSWORD, registerUser, type Tokens } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'
import { auditLines, openReset } from './attack.ts'

describe('31: one person, one row', () => {
  const insert = (username: string, email: string) =>
    sql('insert into users (username, email) values ($1, $2)', [username, email])

  test('31 (CWE-367): the database itself refuses a name or email in another case, whoever inserts', async () => {
    const { username, email } = await registerUser()
    await expect(
      insert(username.toUpperCase(), `${freshName()}@example.com`),
    ).rejects.toMatchObject({
      constraint: 'users_username_key',
    })
    await expect(insert(freshName(), email.toUpperCase())).rejects.toMatchObject({
      constraint: 'users_email_key',
    })
    const ring = `Émile-${freshName()}`
    await insert(ring, `${freshName()}@example.com`)
    await expect(insert(ring.toLowerCase(), `${freshName()}@example.com`)).rejects.toMatchObject({
      constraint: 'users_username_key',
    })
  })

  test('31: the names of a deleted user stay taken: nobody registers into an account that may come back', async () => {
    const { caller, username, email, access_token: token } = await registerUser()
    await caller.delete('/api/users/me', { password: PASSWORD }, { token })
    for (const names of [
      { username, email: `${freshName()}@example.com` },
      { username: freshName(), email },
    ]) {
      const answer = await visitor().post('/api/users/register', { ...names, password: PASSWORD })
      expectError(answer, 409, 'DuplicateRecordError')
    }
  })

  test('31: a username cannot be somebody’s email, so that nobody logs in for another', async () => {
    const { email } = await registerUser()
    const other = { email: `${freshName()}@example.com`, password: PASSWORD }
    for (const username of [email, email.replace('@', '\uff20'), email.replace('@', '\ufe6b')]) {
      const answer = await visitor().post('/api/users/register', { ...other, username })
      expectError(answer, 422, 'ValidationError')
    }
  })
})

test('31: the cron deletes what counts no more and nothing else, and the totals still agree', async () => {
  const DATABASE_URL = await emptyDatabase()
  const env = environment({ DATABASE_URL })
  const caller = visitor({ env })
  const user = await registerUser(caller)
  const dead = await logIn(caller, user.username)
  const rows = (query: string) => sql(query, [], DATABASE_URL)
  await rows(
    `update user_sessions set expires_at = now() - interval '2 days'
     where created_at = (select max(created_at) from user_sessions)`,
  )
  await rows(
    "insert into attempts values ('over', 9, now() - interval '1 s'), ('going on', 9, now() + interval '1 h')",
  )
  await rows(
    `insert into audit_events (at, action, outcome, request_id)
     values (now() - interval '366 days', 'login', 'success', gen_random_uuid()),
            (now() - interval '364 days', 'login', 'success', gen_random_uuid())`,
  )
  const before = await rows('select count(*)::int as lines from audit_events')
  await runMaintenance(env)

  const refresh = ({ refresh_token }: Tokens) =>
    caller.post('/api/users/refresh', { refresh_token })
  expectUnauthenticated(await refresh(dead), 'Invalid or expired refresh token')
  expect((await refresh(user)).status).toBe(200)
  expect(await rows('select count(*)::int as sessions from user_sessions')).toEqual([
    { sessions: 1 },
  ])
  expect(await rows("select key from attempts where key in ('over', 'going on')")).toEqual([
    { key: 'going on' },
  ])
  const lines = Number(before[0]?.['lines'])
  expect(await rows('select count(*)::int as lines from audit_events')).toEqual([
    { lines: lines - 1 },
  ])
  expect(
    await rows(
      'select (select sum(total) from user_totals)::int as total, count(*)::int from users',
    ),
  ).toEqual([{ total: 1, count: 1 }])
})

test('31: disabling, deleting and restoring keep the totals, row by row', async () => {
  const DATABASE_URL = await emptyDatabase()
  const run = (statement: string) => sql(statement, [], DATABASE_URL)
  const agree = async () =>
    (
      await run(
        `select coalesce(bool_and(t.total = u.total), true) as agree from
           (select is_active, sum(total) as total from user_totals group by 1) t
           join (select a.active as is_active, count(id) as total
             from (values (true), (false)) a (active)
             left join users on is_active = a.active and deleted_at is null group by 1) u
           using (is_active)`,
      )
    )[0]
  for (const statement of [
    `insert into users (username, email) select 'u' || i, i || '@example.com' from generate_series(1, 40) i`,
    'update users set is_active = false where id % 3 = 0',
    'update users set deleted_at = now() where id % 4 = 0',
    'update users set is_active = not is_active, deleted_at = null where id % 6 = 0',
    'delete from users where id % 5 = 0',
  ]) {
    await run(statement)
    expect(await agree(), statement).toEqual({ agree: true })
  }
})

test('32: from a copy of the database logins work, what was revoked stays revoked, and who went on meanwhile goes on', async () => {
  const original = await emptyDatabase()
  const workerOn = (url: string) => visitor({ env: environment({ DATABASE_URL: url }) })
  const before = workerOn(original)
  const user = await registerUser(before)
  const gone = await logIn(before, user.username)
  await before.post('/api/users/logout', { refresh_token: gone.refresh_token })
  const changed = await logIn(before, user.username)
  const { access_token: token } = changed
  const passwords = { current_password: PASSWORD, new_password: 'another long password' }
  await before.post('/api/users/change-password', passwords, { token })

  const copy = new URL(original)
  copy.pathname = `/copy_${crypto.randomUUID().replaceAll('-', '')}`
  const name = new URL(original).pathname.slice(1)
  await sql(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()',
    [name],
  )
  await sql(`create database ${copy.pathname.slice(1)} template ${name}`)

  // The original goes on for two rotations: to the copy, its tokens are ahead.
  const refresh = (caller: typeof before, { refresh_token }: Tokens) =>
    caller.post('/api/users/refresh', { refresh_token })
  const once = (await refresh(before, changed)).body
  const ahead = (await refresh(before, once)).body

  const after = workerOn(copy.href)
  await logIn(after, user.username, { password: 'another long password' })
  for (const revoked of [user, gone]) {
    expectUnauthenticated(await refresh(after, revoked), 'Invalid or expired refresh token')
    const me = await after.get('/api/users/me', { token: revoked.access_token })
    expectUnauthenticated(me)
  }
  const next = await refresh(after, ahead)
  expect(next.status).toBe(200)
  expectUnauthenticated(await refresh(after, changed), 'Invalid or expired refresh token')
  const trail = sql("select 1 from audit_events where action = 'password_change'", [], copy.href)
  expect(await trail).toHaveLength(1)
  await expect(sql('delete from audit_events', [], copy.href)).rejects.toThrow('append-only')
})

test('31: an account that is deleted outright takes its sessions and resets along, and leaves its trail', async () => {
  const user = await registerUser()
  await openReset(user.id)
  const before = await auditLines('user', user.id)
  await sql('delete from users where id = $1', [user.id])
  for (const table of ['user_sessions where account_id', 'password_resets where user_id']) {
    expect(await sql(`select 1 from ${table} = $1`, [user.id])).toEqual([])
  }
  expect(await auditLines('user', user.id)).toEqual(before)
  const me = await visitor().get('/api/users/me', { token: user.access_token })
  expectUnauthenticated(me)
})
