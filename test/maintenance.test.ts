import { createScheduledController } from 'cloudflare:test'
import { beforeEach, expect, inject, test, vi } from 'vitest'
import worker from '../functions/worker.ts'
import { environment } from './setup/api.ts'
import { emptyDatabase, sql } from './setup/database.ts'
import { openLane } from './setup/lanes.ts'

// A database of its own: the cron tends all there is.
let url: string
let queued: string[]
let env: ReturnType<typeof environment>

beforeEach(async () => {
  url = await emptyDatabase()
  queued = []
  env = bindings()
})

/** Bindings with a queue that only notes what it is given. */
function bindings(replaced: Parameters<typeof environment>[0] = {}) {
  const metrics = { backlogCount: 0, backlogBytes: 0 }
  const queue: ReturnType<typeof environment>['MAIL_QUEUE'] = {
    send: async () => ({ metadata: { metrics } }),
    async sendBatch(messages) {
      for (const { body } of messages) queued.push(body.id)
      return { metadata: { metrics } }
    },
    metrics: async () => metrics,
  }
  return environment({ DATABASE_URL: url, MAIL_QUEUE: queue, ...replaced })
}

const runCron = (to = env) => worker.scheduled(createScheduledController(), to)

async function owe(created: string, requeued: string | null = null): Promise<string> {
  const id = crypto.randomUUID()
  await sql(
    `insert into outbox (id, recipient, mail, created_at, requeued_at)
     values ($1, 'ada@example.com', '{}', now() - $2::interval, now() - $3::interval)`,
    [id, created, requeued],
    url,
  )
  return id
}

test('the cron queues overdue mails once more, once an hour, for a day', async () => {
  const overdue = await owe('3 minutes')
  const longAgo = await owe('2 hours', '61 minutes')
  await owe('1 minute')
  await owe('3 minutes', '1 minute')
  await owe('24 hours')
  await runCron()
  expect(queued.toSorted()).toEqual([overdue, longAgo].toSorted())
  await runCron()
  expect(queued).toHaveLength(2)
})

test('the cron queues a hundred mails at a time, the oldest first', async () => {
  await sql(
    `insert into outbox (id, recipient, mail, created_at)
     select gen_random_uuid(), n::text, '{}', now() - make_interval(mins => n)
     from generate_series(5, 154) as n`,
    [],
    url,
  )
  await runCron()
  expect(queued).toHaveLength(100)
  const [waiting] = await sql(
    'select count(*)::int, max(recipient::int) as oldest from outbox where requeued_at is null',
    [],
    url,
  )
  expect(waiting).toEqual({ count: 50, oldest: 54 })
  await runCron()
  expect(new Set(queued).size).toBe(150)
})

test('the cron deletes what counts no more, in each table, and keeps the rest', async () => {
  await sql(
    `insert into users (username, email) select 'user' || n, 'user' || n || '@example.com'
     from generate_series(1, 2) as n`,
    [],
    url,
  )
  await sql("insert into admins (username, email) values ('root', 'root@example.com')", [], url)
  for (const sessions of ['user_sessions', 'admin_sessions']) {
    await sql(
      `insert into ${sessions} (id, account_id, epoch, expires_at, ends_at, place)
       select gen_random_uuid(), 1, 0, now() + expires::interval, now() + expires::interval, what
       from (values
         ('alive', '1 day'), ('expired lately', '-23 hours'), ('expired', '-25 hours')
       ) as session (what, expires)`,
      [],
      url,
    )
  }
  await sql(
    `insert into attempts values ('now', 1, now() + interval '1 minute'), ('then', 1, now() - interval '1 second')`,
    [],
    url,
  )
  await sql(
    `insert into password_resets values
       (1, gen_random_uuid(), now() + interval '1 minute'), (2, gen_random_uuid(), now() - interval '1 second')`,
    [],
    url,
  )
  await owe('29 days')
  await owe('31 days')
  await sql(
    `insert into audit_events (at, action, outcome, request_id)
     select now() - make_interval(days => days), 'login', 'success', gen_random_uuid()
     from unnest(array[1, 364, 366]) as days`,
    [],
    url,
  )

  const log = vi.spyOn(console, 'log')
  await runCron()
  const line = JSON.parse(String(log.mock.calls.at(-1)?.[0]))
  expect(line).toMatchObject({
    ...{ level: 'info', event: 'maintenance_done', requeued: 0 },
    ...{ sessions: 2, attempts: 1, resets: 1, mails: 1, audit_events: 1 },
  })

  for (const sessions of ['user_sessions', 'admin_sessions']) {
    expect(await sql(`select place from ${sessions} order by place`, [], url)).toEqual([
      { place: 'alive' },
      { place: 'expired lately' },
    ])
  }
  expect(await sql('select key from attempts', [], url)).toEqual([{ key: 'now' }])
  expect(await sql('select user_id from password_resets', [], url)).toEqual([{ user_id: 1 }])
  expect(await sql('select 1 as one from outbox', [], url)).toHaveLength(1)
  expect(await sql('select 1 as one from audit_events', [], url)).toHaveLength(2)
})

test('the cron that finds the database away or no configuration says so and harms nothing', async () => {
  const id = await owe('3 minutes')
  const neon = await openLane(inject('world').faultProxyUrl, 'neon')
  await neon.fault({ kind: 'refuse' })
  const log = vi.spyOn(console, 'log')
  await runCron(bindings({ NEON_HTTP_URL: neon.url }))
  expect(JSON.parse(String(log.mock.calls.at(-1)?.[0]))).toMatchObject({
    level: 'error',
    event: 'maintenance_failed',
  })
  await neon.close()
  await runCron(bindings({ SECRET_KEY: '' }))
  expect(queued).toEqual([])
  await runCron()
  expect(queued).toEqual([id])
})
