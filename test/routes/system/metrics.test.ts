import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import type { Bindings } from '../../../src/context.ts'
import { newAdmin, newUser, PASSWORD } from '../../setup/accounts.ts'
import { environment, expectError, visitor } from '../../setup/api.ts'
import { emptyDatabase, sql } from '../../setup/database.ts'
import { type Lane, openLane } from '../../setup/lanes.ts'
import { samplesOf, scrapeOf, METRICS_TOKEN as TOKEN } from '../../setup/metered.ts'
import { expectUnauthenticated } from '../../setup/shapes.ts'

const { faultProxyUrl } = inject('world')

let redis: Lane
let neon: Lane
let env: Bindings

beforeEach(async () => {
  // What is counted is flushed at once, not ten seconds after the response.
  vi.spyOn(scheduler, 'wait').mockResolvedValue()
  redis = await openLane(faultProxyUrl, 'upstash')
  neon = await openLane(faultProxyUrl, 'neon')
  env = metered()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all([redis.close(), neon.close()])
})

const metered = (replaced: Partial<Bindings> = {}) =>
  environment({
    METRICS_TOKEN: TOKEN,
    UPSTASH_REDIS_REST_URL: redis.url,
    NEON_HTTP_URL: neon.url,
    ...replaced,
  })

const scrape = (to = env) => scrapeOf(to)

test('GET /metrics returns Prometheus’ text format, with the names of the FastAPI service', async () => {
  const { status, headers, text } = await scrape()
  expect(status).toBe(200)
  expect(headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(headers.get('Cache-Control')).toBe('no-store')
  expect(text).toContain('# TYPE accounts_users gauge\n')
  expect(text).toMatch(
    /^adl_application_info\{version="[\d.]+",environment="test",name="ADL Production"\} 1$/m,
  )
  await scrape(metered())
  const next = (await scrape(metered())).text
  for (const name of ['active_users_total', 'registered_users_total']) {
    expect(next).toMatch(new RegExp(`^${name} \\d+$`, 'm'))
  }
  expect(next).toMatch(
    /^http_requests_total\{method="GET",endpoint="\/metrics",status="200"\} [1-9]/m,
  )
  const buckets = [
    ...next.matchAll(/seconds_bucket\{method="GET",endpoint="\/metrics",le="(.+?)"/g),
  ]
  expect(buckets.map(([, bound]) => bound)).toEqual([
    '0.005',
    '0.01',
    '0.025',
    '0.05',
    '0.1',
    '0.25',
    '0.5',
    '1',
    '2.5',
    '5',
    '+Inf',
  ])
})

describe('without METRICS_TOKEN', () => {
  test.each(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'])(
    '%s /metrics is like any path that does not exist',
    async (method) => {
      const caller = visitor({ token: TOKEN })
      const [metrics, nothing] = await Promise.all(
        ['/metrics', '/nothing'].map((path) => caller.call(method, path)),
      )
      const varying = /"(timestamp|request_id)":"[^"]*"|\/(metrics|nothing)/g
      expect(metrics?.status).toBe(404)
      expect(metrics?.text.replace(varying, '')).toBe(nothing?.text.replace(varying, ''))
      const headersOf = (response = metrics) =>
        [...(response?.headers ?? [])].filter(([name]) => !/x-request-id|content-length/.test(name))
      expect(headersOf()).toEqual(headersOf(nothing))
    },
  )

  test('nothing is counted or sent', async () => {
    await visitor({ env: metered({ METRICS_TOKEN: '' }) }).get('/health/live')
    expect(await redis.log()).toEqual([])
  })
})

describe('with METRICS_TOKEN', () => {
  test.each([
    ['no token', {}],
    ['another token', { Authorization: `Bearer ${TOKEN.toLowerCase()}` }],
    ['a longer one', { Authorization: `Bearer ${TOKEN}x` }],
    ['another scheme', { Authorization: `Basic ${TOKEN}` }],
    ['the token in the query', {}],
  ])(
    'GET /metrics returns 401 for %s, and asks neither Redis nor the database',
    async (_, headers) => {
      const response = await visitor({ env }).get(`/metrics?token=${TOKEN}`, { headers })
      expectUnauthenticated(response)
      expect(await neon.log()).toEqual([])
      const sent = (await redis.log()).map(({ body }) => JSON.parse(body)[0])
      expect(sent).toEqual(['hset']) // The flush, after the response.
    },
  )

  test('GET /metrics returns 401 for an access token of a superadmin', async () => {
    const { access_token: token } = await newAdmin({ superadmin: true })
    expectUnauthenticated(await visitor({ env, token }).get('/metrics'))
  })

  test('POST /metrics returns 405 with Allow, OPTIONS 204 with the same', async () => {
    const post = await visitor({ env }).post('/metrics')
    expectError(post, 405, 'MethodNotAllowedError')
    const options = await visitor({ env }).call('OPTIONS', '/metrics')
    expect(options.status).toBe(204)
    for (const { headers } of [post, options]) {
      expect(headers.get('Allow')?.split(', ').toSorted()).toEqual(['GET', 'HEAD', 'OPTIONS'])
    }
  })

  test('GET /metrics is free of the quota', async () => {
    env = metered({ RATE_LIMIT_PER_HOUR: '1' })
    const caller = visitor({ env, token: TOKEN })
    for (let n = 0; n < 5; n++) {
      const { status, headers } = await caller.get('/metrics')
      expect([status, headers.get('RateLimit')]).toEqual([200, null])
    }
  })
})

test('GET /metrics asks Redis once and the database once, and shares the response for five seconds', async () => {
  const first = await scrape()
  const reads = async () => [
    (await redis.log()).filter(({ body }) => body.includes('hgetall')).length,
    (await neon.log()).length,
  ]
  expect(await reads()).toEqual([1, 1])
  expect((await scrape()).text).toBe(first.text)
  expect(await reads()).toEqual([1, 1])
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5_001 })
  await scrape()
  vi.useRealTimers()
  expect(await reads()).toEqual([2, 2])
})

test('GET /metrics of two isolates returns no count that has fallen, also to two scrapers at once', async () => {
  const [one, other] = [metered(), metered()] as const
  const sample = 'http_requests_total{method="GET",endpoint="/health/live",status="200"}'
  const countAt = async (time: number, isolate: Bindings) => {
    vi.useFakeTimers({ toFake: ['Date'], now: time })
    const { text } = await scrape(isolate)
    vi.useRealTimers()
    return samplesOf(text).get(sample) ?? 0
  }
  const now = Date.now()
  await countAt(now, other)
  await visitor({ env: one }).get('/health/live')
  const anHourLater = now + 60 * 60_000
  const counted = await countAt(anHourLater, one)
  expect(counted).toBeGreaterThan(0)
  const next = anHourLater + 15_000
  const found = await Promise.all([countAt(next, other), countAt(next, other)])
  expect(found).toEqual([counted, counted])
})

test('GET /metrics says how many users, admins, sessions, locked accounts and emails there are', async () => {
  env = metered({ DATABASE_URL: await emptyDatabase() })
  const url = String(env.DATABASE_URL)
  await sql(
    `insert into users (id, username, email, is_active, deleted_at)
     select id, 'user' || id, id || '@example.com', id <> 1, case when id in (2, 3) then now() end
     from generate_series(1, 5) id`,
    [],
    url,
  )
  await sql(
    `insert into admins (id, username, email) values (1, 'ada', 'ada@example.com')`,
    [],
    url,
  )
  await sql(
    `insert into user_sessions (id, account_id, epoch, expires_at, ends_at, revoked_at)
     select gen_random_uuid(), 4, 0, now() + make_interval(hours => hours), now() + interval '1 day',
       case when hours = 2 then now() end
     from unnest(array[-1, 1, 2, 3]) hours`,
    [],
    url,
  )
  await sql(
    `insert into attempts (key, count, resets_at) values
     ($1, 10, now() + interval '1 minute'), ($1 || '@10.0.0.0/24', 11, now() + interval '1 minute'),
     ($2, 9, now() + interval '1 minute'), ($3, 10, now() - interval '1 minute'),
     ('user?7', 99, now() + interval '1 minute'), ('reset-mail:' || $1, 12, now() + interval '1 hour')`,
    ['user:4', 'user:5', 'user:1'],
    url,
  )
  await sql(
    `insert into outbox (id, recipient, mail, created_at)
     select gen_random_uuid(), 'ada@example.com', '{}', now() - make_interval(hours => hours)
     from unnest(array[0, 1, 24]) hours`,
    [],
    url,
  )
  const samples = samplesOf((await scrape()).text)
  expect(Object.fromEntries(samples)).toMatchObject({
    active_users_total: 2,
    registered_users_total: 3,
    'accounts_users{state="active"}': 2,
    'accounts_users{state="disabled"}': 1,
    'accounts_users{state="deleted"}': 2,
    'accounts_admins{state="active"}': 1,
    'accounts_admins{state="deleted"}': 0,
    'accounts_sessions_live{account_type="user"}': 2,
    'accounts_sessions_live{account_type="admin"}': 0,
    'accounts_locked_accounts{account_type="user"}': 1,
    'accounts_locked_accounts{account_type="admin"}': 0,
    accounts_outbox_pending: 2,
    accounts_outbox_abandoned: 1,
  })
  expect(samples.get('accounts_outbox_oldest_seconds')).toBeCloseTo(3600, -2)
})

test('GET /metrics counts logins by outcome and reason, events by level, and calls by their path without the version', async () => {
  const { username } = await newUser()
  const caller = visitor({ env })
  const before = samplesOf((await scrape()).text)
  await caller.post('/api/users/login', { username, password: 'wrong' })
  await caller.post('/api/v1/users/login', { username, password: PASSWORD })
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6_000 })
  const after = samplesOf((await scrape()).text)
  vi.useRealTimers()
  const rise = (sample: string) => (after.get(sample) ?? 0) - (before.get(sample) ?? 0)
  const login = (outcome: string, reason: string) =>
    rise(`accounts_logins_total{account_type="user",outcome="${outcome}",reason="${reason}"}`)
  expect([
    login('failure', 'wrong_password'),
    login('success', ''),
    login('failure', 'capped'),
  ]).toEqual([1, 1, 0])
  expect(rise('accounts_events_total{event="login",level="warn"}')).toBe(1)
  expect(rise('accounts_events_total{event="login",level="info"}')).toBe(1)
  const route = 'method="POST",endpoint="/api/users/login"'
  expect(rise(`http_requests_total{${route},status="401"}`)).toBe(1)
  expect(rise(`http_errors_total{${route},error_type="AuthenticationError"}`)).toBe(1)
  expect(rise(`http_request_duration_seconds_count{${route}}`)).toBe(2)
  // A counter that alerts are about is there before it rises.
  expect(before.has('accounts_events_total{event="refresh_token_reuse",level="warn"}')).toBe(true)
})
