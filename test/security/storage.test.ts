/** What callers without an account can make the service store. */
import { createExecutionContext, createScheduledController } from 'cloudflare:test'
import { expect, test } from 'vitest'
import worker from '../../functions/worker.ts'
import { registerUser } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { atOnce, tally } from './attack.ts'
import { login } from './calls.ts'

const count = async (from: string, url?: string) =>
  Number((await sql<{ n: number }>(`select count(*)::int as n from ${from}`, [], url))[0]?.n)

test('23 (API4:2023): logins with unknown names are counted, not written one by one; the cron moves the count to the audit trail', async () => {
  const url = await emptyDatabase()
  const env = environment({ DATABASE_URL: url })
  const responses = await atOnce(16, (i) =>
    login(`nobody-${i}`, 'wrong', {
      type: i % 4 ? 'users' : 'admins',
      client: visitor({ env }),
    }),
  )
  expect(tally(responses)).toEqual({ 401: 16 })
  expect(await count('audit_events', url)).toBe(0)

  await worker.scheduled(createScheduledController(), env, createExecutionContext())
  const lines = await sql(
    `select action, outcome, reason, target_kind, target_id, details from audit_events
     order by target_kind desc`,
    [],
    url,
  )
  const unknown = {
    action: 'login',
    outcome: 'failure',
    reason: 'unknown_account',
    target_id: null,
  }
  expect(lines).toEqual([
    { ...unknown, target_kind: 'user', details: { failures: 12 } },
    { ...unknown, target_kind: 'admin', details: { failures: 4 } },
  ])
  await worker.scheduled(createScheduledController(), env, createExecutionContext())
  expect(await count('audit_events', url)).toBe(2)
})

test('23: unknown names share 65,536 counts of an account type, whatever is typed', async () => {
  const env = environment({ DATABASE_URL: await emptyDatabase() })
  for (const identifier of ['nobody', 'nobody@example.com', 'Ünbekannt', '\u202e\u{1f600}', "'"]) {
    await login(identifier, 'wrong', { client: visitor({ env }) })
  }
  const rows = await sql<{ key: string }>('select key from attempts', [], env.DATABASE_URL)
  const names = rows.map(({ key }) => key).filter((key) => key.startsWith('user?'))
  expect(names.length).toBe(5)
  for (const name of names) {
    expect(name).toMatch(/^user\?\d+$/)
    expect(Number(name.slice('user?'.length))).toBeLessThan(65_536)
  }
})

test('23: failed logins of accounts are lines of the audit trail, 5,000 an hour; the rest is counted', async () => {
  const url = await emptyDatabase()
  const client = visitor({ env: environment({ DATABASE_URL: url }) })
  const { username } = await registerUser(client)
  const fail = async () => expect((await login(username, 'wrong', { client })).status).toBe(401)
  const lines = () => count("audit_events where outcome = 'failure' and target_id is not null", url)
  await fail()
  expect(await lines()).toBe(1)
  await sql(
    `insert into attempts
     select 'failed-login-lines:' || n, 5000 / 8, now() + interval '1 hour' from generate_series(0, 7) n
     on conflict (key) do update set count = excluded.count`,
    [],
    url,
  )
  await fail()
  expect(await lines()).toBe(1)
  expect(await count(`attempts where key like 'failed-logins:user:wrong_password:%'`, url)).toBe(1)
})
