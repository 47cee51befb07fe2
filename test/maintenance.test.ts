import { createExecutionContext, createScheduledController } from 'cloudflare:test'
import { Redis } from '@upstash/redis/cloudflare'
import { beforeEach, expect, inject, test, vi } from 'vitest'
import worker from '../functions/worker.ts'
import { maxAges } from '../src/db/pruning.ts'
import { environment } from './setup/api.ts'
import { emptyDatabase, sql } from './setup/database.ts'
import { openLane } from './setup/lanes.ts'
import { METRICS_TOKEN } from './setup/metered.ts'

// A database of its own: the cron maintains every row in it.
let url: string
let queued: string[]
let batches: number[]
let env: ReturnType<typeof environment>

beforeEach(async () => {
  url = await emptyDatabase()
  queued = []
  batches = []
  env = bindings()
})

/** Bindings with a queue that only records what it is given. */
function bindings(replaced: Parameters<typeof environment>[0] = {}) {
  const metrics = { backlogCount: 0, backlogBytes: 0 }
  const queue: ReturnType<typeof environment>['MAIL_QUEUE'] = {
    send: async () => ({ metadata: { metrics } }),
    async sendBatch(messages) {
      batches.push([...messages].length)
      for (const { body } of messages) queued.push(body.id)
      return { metadata: { metrics } }
    },
    metrics: async () => metrics,
  }
  return environment({ DATABASE_URL: url, MAIL_QUEUE: queue, ...replaced })
}

const runCron = (to = env) =>
  worker.scheduled(createScheduledController(), to, createExecutionContext())

const query = (statement: string) => sql(statement, [], url)

/** What the cron logs. The mail queue of other tests may log at the same time. */
async function linesOfCron(to = env): Promise<Record<string, unknown>[]> {
  const log = vi.spyOn(console, 'log')
  const before = log.mock.calls.length
  await runCron(to)
  return log.mock.calls
    .slice(before)
    .map(([line]) => JSON.parse(String(line)))
    .filter(({ event }) => event.startsWith('maintenance_'))
}

const lineOfCron = async () => (await linesOfCron()).at(-1)

/** Adds a mail to the outbox, by its age and the time since it was last queued again. */
async function addPending(age: string, requeued: string | null = null): Promise<string> {
  const id = crypto.randomUUID()
  await sql(
    `insert into outbox (id, recipient, mail, created_at, requeued_at)
     values ($1, 'ada@example.com', '{}', now() - $2::interval, now() - $3::interval)`,
    [id, age, requeued],
    url,
  )
  return id
}

test('the cron queues pending mails again after two minutes, once an hour, for a day', async () => {
  const overdue = await addPending('3 minutes')
  const longAgo = await addPending('2 hours', '61 minutes')
  await addPending('1 minute')
  await addPending('3 minutes', '1 minute')
  await addPending('24 hours')
  await runCron()
  await runCron()
  expect(queued.toSorted()).toEqual([overdue, longAgo].toSorted())
})

test('the cron queues mails in batches of a hundred, the oldest first, at most 2,000 in a run', async () => {
  await query(
    `insert into outbox (id, recipient, mail, created_at)
     select gen_random_uuid(), n::text, '{}', now() - make_interval(secs => 200 + n)
     from generate_series(1, 2150) as n`,
  )
  await runCron()
  expect(batches).toEqual(Array(20).fill(100))
  const [waiting] = await query(
    'select count(*)::int, max(recipient::int) as newest from outbox where requeued_at is null',
  )
  expect(waiting).toEqual({ count: 150, newest: 150 })
  await runCron()
  expect(batches.slice(20)).toEqual([100, 50])
  expect(new Set(queued).size).toBe(2_150)
})

test('the cron deletes in batches of 5,000 until none is full, and logs their sums', async () => {
  await query(
    `insert into attempts select n, 1, now() - interval '1 minute' from generate_series(1, 12000) n`,
  )
  await query(
    `insert into audit_events (at, action, outcome, request_id)
     select now() - interval '366 days', 'login', 'success', gen_random_uuid()
     from generate_series(1, 5000)`,
  )
  expect(await lineOfCron()).toMatchObject({ attempts: 12_000, audit_events: 5_000, resets: 0 })
  expect(await query('select 1 as one from attempts')).toEqual([])
})

test('the cron deletes what has expired from each table, and keeps the rest', async () => {
  for (const statement of [
    `insert into users (username, email)
     select 'user' || n, 'user' || n || '@example.com' from generate_series(1, 2) as n`,
    "insert into admins (username, email) values ('root', 'root@example.com')",
    ...['user_sessions', 'admin_sessions'].map(
      (sessions) => `insert into ${sessions} (id, account_id, epoch, expires_at, ends_at, place)
       select gen_random_uuid(), 1, 0, now() + expires::interval, now() + expires::interval, what
       from (values
         ('alive', '1 day'), ('expired lately', '-23 hours'), ('expired', '-25 hours')
       ) as session (what, expires)`,
    ),
    `insert into attempts values
       ('now', 1, now() + interval '1 minute'), ('then', 1, now() - interval '1 second')`,
    `insert into password_resets values
       (1, gen_random_uuid(), now() + interval '1 minute'),
       (2, gen_random_uuid(), now() - interval '1 second')`,
    `insert into admin_password_resets values (1, gen_random_uuid(), now() - interval '1 second')`,
    `insert into legacy_password_resets values
       ('\\x01', 1, now() + interval '1 minute'), ('\\x02', 1, now() - interval '1 second')`,
    ...['user_networks', 'admin_networks'].map(
      (networks) => `insert into ${networks}
       select 1, days || '/24', now() - make_interval(days => days) from unnest(array[89, 91]) as days`,
    ),
    `insert into audit_events (at, action, outcome, request_id)
     select now() - make_interval(days => days), 'login', 'success', gen_random_uuid()
     from unnest(array[1, 364, 366]) as days`,
  ]) {
    await query(statement)
  }
  await addPending('29 days')
  await addPending('31 days')

  expect(await lineOfCron()).toMatchObject({
    ...{ level: 'info', event: 'maintenance_done', requeued: 0 },
    ...{ user_sessions: 1, admin_sessions: 1, attempts: 1, resets: 1, admin_resets: 1 },
    ...{ legacy_resets: 1, user_networks: 1, admin_networks: 1, mails: 1, audit_events: 1 },
  })
  for (const sessions of ['user_sessions', 'admin_sessions']) {
    const kept = [{ place: 'alive' }, { place: 'expired lately' }]
    expect(await query(`select place from ${sessions} order by place`)).toEqual(kept)
  }
  expect(await query('select key from attempts')).toEqual([{ key: 'now' }])
  expect(await query('select user_id from password_resets')).toEqual([{ user_id: 1 }])
  expect(await query('select user_id from legacy_password_resets')).toEqual([{ user_id: 1 }])
  expect(await query('select network from user_networks')).toEqual([{ network: '89/24' }])
  expect(await query('select 1 as one from outbox')).toHaveLength(1)
  expect(await query('select 1 as one from audit_events')).toHaveLength(2)
})

test('each job of the cron fails alone: with the queue down, rows are deleted, and the email goes once it is back', async () => {
  const id = await addPending('3 minutes')
  await query(`insert into attempts values ('then', 1, now() - interval '1 second')`)
  const down = { ...bindings().MAIL_QUEUE, sendBatch: () => Promise.reject(new Error('down')) }
  const lines = await linesOfCron(bindings({ MAIL_QUEUE: down }))
  expect(lines).toMatchObject([
    { level: 'error', event: 'maintenance_failed', job: 'requeue', reason: 'unexpected_error' },
    { level: 'info', event: 'maintenance_done', attempts: 1 },
  ])
  expect(lines.at(-1)).not.toHaveProperty('requeued')
  await runCron()
  expect(queued).toEqual([id])
})

test('the cron logs an outage of the database and changes nothing, nor without a configuration', async () => {
  const id = await addPending('3 minutes')
  const neon = await openLane(inject('world').faultProxyUrl, 'neon')
  await neon.fault({ kind: 'disconnect' })
  const failed = { level: 'error', event: 'maintenance_failed', reason: 'no_response' }
  expect(await linesOfCron(bindings({ NEON_HTTP_URL: neon.url }))).toMatchObject([
    ...[
      'requeue',
      'write_counts',
      ...Object.keys(maxAges({ auditRetentionSeconds: 0 })).map((table) => `prune_${table}`),
    ].map((job) => ({ ...failed, job })),
  ])
  await neon.close()
  await runCron(bindings({ SECRET_KEY: '' }))
  expect(queued).toEqual([])
  await runCron()
  expect(queued).toEqual([id])
})

test('the cron folds all batches of metrics that are final', async () => {
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = env
  const redis = new Redis({ url: UPSTASH_REDIS_REST_URL, token: UPSTASH_REDIS_REST_TOKEN })
  const anHourAgo = Date.now() - 60 * 60_000
  const batches = Array.from({ length: 1_200 }, (_, n) => [`${anHourAgo}-${n}`, {}])
  await redis.hset('metrics:test', Object.fromEntries(batches))
  const [line] = await linesOfCron(bindings({ METRICS_TOKEN }))
  expect(line).toMatchObject({ event: 'maintenance_done', folded: 1_200 })
})
