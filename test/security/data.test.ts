import { expect, test } from 'vitest'
import { runMaintenance } from '../../src/maintenance.ts'
import { freshName, logIn, newcomer, PASSWORD, registerUser } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'
import { auditLines } from './attack.ts'
import { getMe, refresh } from './calls.ts'

const email = () => newcomer().email

test('31 (CWE-367): the database rejects an inserted name or email that exists in another case', async () => {
  const insert = (...names: [username: string, email: string]) =>
    sql('insert into users (username, email) values ($1, $2)', names)
  const user = await registerUser()
  const accented = `Émile-${freshName()}`
  await insert(accented, email())
  for (const [constraint, ...names] of [
    ['users_username_key', user.username.toUpperCase(), email()],
    ['users_email_key', freshName(), user.email.toUpperCase()],
    ['users_username_key', accented.toLowerCase(), email()],
  ] as const) {
    await expect(insert(...names)).rejects.toMatchObject({ constraint })
  }
})

test('31: the username and the email of a deleted user stay taken', async () => {
  const { username, email, access_token: token } = await registerUser()
  await visitor({ token }).delete('/api/users/me', { password: PASSWORD })
  for (const taken of [{ username }, { email }]) {
    const response = await visitor().post('/api/users/register', { ...newcomer(), ...taken })
    expectError(response, 409, 'DuplicateRecordError')
  }
})

test('31: a username that is an email is 422, so that nobody logs in with the email of another', async () => {
  const { email } = await registerUser()
  for (const username of [email, email.replace('@', '\uff20'), email.replace('@', '\ufe6b')]) {
    const response = await visitor().post('/api/users/register', { ...newcomer(), username })
    expectError(response, 422, 'ValidationError')
  }
})

test('31: the cron deletes expired rows and nothing else, and the totals stay right', async () => {
  const DATABASE_URL = await emptyDatabase()
  const env = environment({ DATABASE_URL })
  const client = visitor({ env })
  const user = await registerUser(client)
  const gone = await logIn(client, user.username)
  const rows = (query: string) => sql(query, [], DATABASE_URL)
  await rows(
    `update user_sessions set expires_at = now() - interval '2 days'
     where created_at = (select max(created_at) from user_sessions)`,
  )
  await rows(
    `insert into attempts values
       ('expired', 9, now() - interval '1 s'), ('current', 9, now() + interval '1 h')`,
  )
  await rows(
    `insert into audit_events (at, action, outcome, request_id)
     values (now() - interval '366 days', 'login', 'success', gen_random_uuid()),
            (now() - interval '364 days', 'login', 'success', gen_random_uuid())`,
  )
  const events = async () =>
    Number((await rows('select count(*) as events from audit_events'))[0]?.['events'])
  const before = await events()
  await runMaintenance(env)
  expect(await events()).toBe(before - 1)

  const refreshed = await refresh(gone.refresh_token, { client })
  expectUnauthenticated(refreshed, 'Invalid or expired refresh token')
  expect((await refresh(user.refresh_token, { client })).status).toBe(200)
  expect(await rows("select key from attempts where key in ('expired', 'current')")).toEqual([
    { key: 'current' },
  ])
  const counts = await rows(
    `select (select count(*) from user_sessions)::int as sessions, count(*)::int as users,
       (select sum(total) from user_totals)::int as total from users`,
  )
  expect(counts).toEqual([{ sessions: 1, users: 1, total: 1 }])
})

test('31: inserting, disabling, deleting and restoring users keep the totals right', async () => {
  const DATABASE_URL = await emptyDatabase()
  const run = (statement: string) => sql(statement, [], DATABASE_URL)
  for (const statement of [
    `insert into users (username, email) select 'u' || i, i || '@example.com' from generate_series(1, 40) i`,
    'update users set is_active = false where id % 3 = 0',
    'update users set deleted_at = now() where id % 4 = 0',
    'update users set is_active = not is_active, deleted_at = null where id % 6 = 0',
    'delete from users where id % 5 = 0',
  ]) {
    await run(statement)
    const agreement = await run(
      `select coalesce(bool_and(t.total = u.total), true) as agree from
         (select is_active, sum(total) as total from user_totals group by 1) t
         join (select a.active as is_active, count(id) as total
           from (values (true), (false)) a (active)
           left join users on is_active = a.active and deleted_at is null group by 1) u
         using (is_active)`,
    )
    expect(agreement, statement).toEqual([{ agree: true }])
  }
})

test('31: deleting the row of an account deletes its sessions and resets, and keeps its audit events', async () => {
  const { id, access_token } = await registerUser()
  await resetTokenOf(id)
  const before = await auditLines('user', id)
  await sql('delete from users where id = $1', [id])
  for (const table of ['user_sessions where account_id', 'password_resets where user_id']) {
    expect(await sql(`select 1 from ${table} = $1`, [id])).toEqual([])
  }
  expect(await auditLines('user', id)).toEqual(before)
  expectUnauthenticated(await getMe(access_token))
})
