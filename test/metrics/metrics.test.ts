import {
  createExecutionContext,
  createScheduledController,
  waitOnExecutionContext,
} from 'cloudflare:test'
import { Redis } from '@upstash/redis/cloudflare'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import worker from '../../functions/worker.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { environment as environmentOf } from '../setup/api.ts'
import { type Lane, openLane } from '../setup/lanes.ts'
import { METRICS_TOKEN } from '../setup/metered.ts'

const { bindings, faultProxyUrl } = inject('world')
const token = bindings['UPSTASH_REDIS_REST_TOKEN'] ?? ''

const ME = { method: 'GET', route: '/api/users/me', status: 200, durationMs: 7, error: undefined }
const REQUESTS = 'http_requests_total\tGET\t/api/users/me\t200'
const DURATIONS = 'http_request_duration_seconds\tGET\t/api/users/me'

let lane: Lane
/** Of each test its own: the tests share a Redis. */
let environment: string

beforeEach(async () => {
  lane = await openLane(faultProxyUrl, 'upstash')
  environment = crypto.randomUUID()
})
afterEach(async () => {
  vi.useRealTimers()
  await lane.close()
})

/** An isolate's metrics, flushed at once. */
const isolate = () => createMetrics({ environment, redis: { url: lane.url, token }, flushMs: 0 })

/** Counts responses and waits until they are flushed. */
async function count(metrics: Metrics, times = 1) {
  const context = createExecutionContext()
  for (let n = 0; n < times; n++) {
    metrics.countResponse(ME)
    metrics.flushAfter(context)
  }
  await waitOnExecutionContext(context)
}

const counted = async (metrics: Metrics, key = REQUESTS) => (await metrics.read()).get(key)

const passes = (minutes: number) =>
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * 60_000 })

const stored = () =>
  new Redis({ url: lane.url, token }).hgetall<Record<string, unknown>>(`metrics:${environment}`)

test('what several isolates have counted is added up, exactly', async () => {
  const [one, other] = [isolate(), isolate()]
  await count(one, 3)
  await count(other, 50)
  await count(one, 2)
  expect(await counted(one)).toEqual([55])
  // Sum in milliseconds; 7 ms are in the second bucket.
  expect(await counted(other, DURATIONS)).toEqual([385, 0, 55, 0, 0, 0, 0, 0, 0, 0, 0, 0])
})

test('a flush is one command, however much was counted, and none follows without a request', async () => {
  const metrics = isolate()
  for (const status of [200, 401, 404, 500]) metrics.countResponse({ ...ME, status })
  metrics.countEvent('warn', 'login', { kind: 'user', outcome: 'failure', reason: 'capped' })
  await count(metrics, 100)
  const sent = await lane.log()
  expect(sent.map(({ path, body }) => [path, JSON.parse(body)[0]])).toEqual([['', 'hset']])
})

test('a flush of ten routes, each with an error, has about 3 KB', async () => {
  const metrics = isolate()
  for (let n = 0; n < 10; n++) {
    const route = `/api/users/route-${n}`
    for (let durationMs = 0; durationMs < 6_000; durationMs += 5) {
      metrics.countResponse({ ...ME, route, durationMs })
    }
    metrics.countResponse({ ...ME, route, status: 401, error: 'AuthenticationError' })
  }
  await count(metrics)
  const [sent] = await lane.log()
  expect(sent?.body.length).toBeGreaterThan(2_000)
  expect(sent?.body.length).toBeLessThan(3_500)
})

describe('a flush that fails', () => {
  test.each([
    { kind: 'disconnect' },
    { kind: 'status', status: 500 },
    { kind: 'garbage' },
    { kind: 'cut' },
  ] as const)('by $kind keeps what was counted for the next', async (fault) => {
    const metrics = isolate()
    await count(metrics)
    await lane.fault({ ...fault, times: 1 })
    await count(metrics)
    await count(metrics)
    expect(await counted(metrics)).toEqual([3])
  })

  test('but was executed counts once', async () => {
    const metrics = isolate()
    await lane.fault({ kind: 'lose-response', times: 2 })
    await count(metrics)
    await count(metrics)
    expect(await counted(metrics)).toEqual([2])
    await count(metrics)
    expect(await counted(metrics)).toEqual([3])
  })

  test('during an outage of an hour keeps all counts, in bounded memory', async () => {
    const metrics = isolate()
    await lane.fault({ kind: 'disconnect' })
    for (let n = 0; n < 12; n++) {
      passes(5)
      await count(metrics, 10)
    }
    await lane.calm()
    await count(metrics)
    expect(await counted(metrics)).toEqual([121])
    expect(Object.keys((await stored()) ?? {})).toHaveLength(1)
  })
})

describe('the cron', () => {
  test('folds the batches that are final, once, and nothing is lost', async () => {
    const [one, other] = [isolate(), isolate()]
    await count(one, 3)
    passes(5)
    await count(one, 4)
    await count(other, 5)
    expect(await one.fold()).toBe(0) // A minute more, in which a flush could be on its way.
    passes(2)
    // Both would fold the same batches.
    const folded = await Promise.all([one.fold(), other.fold()])
    expect(folded.toSorted()).toEqual([0, 1])
    expect(Object.keys((await stored()) ?? {})).toHaveLength(4) // version, totals, two batches
    expect(await counted(one)).toEqual([12])
    passes(6)
    expect(await other.fold()).toBe(2)
    expect(await counted(other)).toEqual([12])
    expect(await counted(other, DURATIONS)).toEqual([84, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  })

  test('folds in one run what a thousand isolates have counted in five minutes', async () => {
    const redis = new Redis({ url: lane.url, token })
    const env = bindings['ENVIRONMENT'] ?? ''
    const began = Date.now() - 7 * 60_000
    const batches = Array.from({ length: 1_000 }, (_, n) => [`${began}-${n}`, { a: [1] }])
    await redis.hset(`metrics:${env}`, Object.fromEntries(batches))
    await worker.scheduled(
      createScheduledController(),
      environmentOf({ METRICS_TOKEN, UPSTASH_REDIS_REST_URL: lane.url }),
      createExecutionContext(),
    )
    const left = await redis.hkeys(`metrics:${env}`)
    expect(left.filter((id) => id.startsWith(`${began}`))).toEqual([])
    const { read } = createMetrics({ environment: env, redis: { url: lane.url, token } })
    expect((await read()).get('a')).toEqual([1_000])
  })

  test('catches up after hours, also when there is too much to be read at once', async () => {
    const metrics = isolate()
    const sixHoursAgo = Date.now() - 6 * 60 * 60_000
    const batches = Array.from({ length: 600 }, (_, n) => [
      `${sixHoursAgo}-${n}`,
      { [REQUESTS]: [1] },
    ])
    const redis = new Redis({ url: lane.url, token })
    await redis.hset(`metrics:${environment}`, Object.fromEntries(batches))
    await lane.fault({ kind: 'status', status: 400, match: 'hgetall' })
    expect([await metrics.fold(), await metrics.fold()]).toEqual([250, 250])
    expect(await metrics.fold()).toBe(100)
    await lane.calm()
    expect(await counted(metrics)).toEqual([600])
    expect(Object.keys((await stored()) ?? {}).toSorted()).toEqual(['totals', 'version'])
  })

  test('drops a series that nothing was added to for 30 days, and no other', async () => {
    const metrics = isolate()
    const renamed = 'http_requests_total\tGET\t/api/renamed\t200'
    metrics.countResponse({ ...ME, route: '/api/renamed' })
    await count(metrics)
    passes(10)
    await metrics.fold()
    passes(29 * 24 * 60)
    await count(metrics)
    passes(10)
    await metrics.fold()
    expect(await counted(metrics, renamed)).toEqual([1])
    passes(24 * 60)
    await count(metrics)
    passes(10)
    await metrics.fold()
    expect(await counted(metrics, renamed)).toBeUndefined()
    expect(await counted(metrics)).toEqual([3])
  })

  test('gives what is stored an expiry', async () => {
    const metrics = isolate()
    await count(metrics)
    passes(7)
    await metrics.fold()
    const seconds = await new Redis({ url: lane.url, token }).ttl(`metrics:${environment}`)
    expect(seconds).toBeGreaterThan(29 * 24 * 60 * 60)
  })
})

describe.each([
  ['text', 'no JSON'],
  ['{"other": [1]}', '"x"'],
  ['1700000000000-0', '{"a": [null]}'],
  ['version', 'later'],
  ['totals', '{"series": {"a": "1"}, "used": {}}'],
])('what is not ours in Redis (%s: %s)', (field, value) => {
  test('hides nothing that was counted, and the cron removes it', async () => {
    const redis = new Redis({ url: lane.url, token })
    await redis.hset(`metrics:${environment}`, { [field]: value })
    const metrics = isolate()
    await count(metrics, 3)
    expect(await counted(metrics)).toEqual([3])
    passes(7)
    expect(await metrics.fold()).toBeGreaterThan(0)
    expect(await metrics.fold()).toBeLessThan(2)
    expect(Object.keys((await stored()) ?? {})).not.toContain('1700000000000-0')
    expect(await counted(metrics)).toEqual([3])
  })
})
