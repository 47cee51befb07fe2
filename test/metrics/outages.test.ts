import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import worker from '../../functions/worker.ts'
import { environment } from '../setup/api.ts'
import { type Lane, openLane } from '../setup/lanes.ts'
import { METRICS_TOKEN, samplesOf, scrapeOf } from '../setup/metered.ts'

const { faultProxyUrl } = inject('world')

let redis: Lane
let neon: Lane

beforeEach(async () => {
  vi.spyOn(scheduler, 'wait').mockResolvedValue() // No test waits for a flush.
  redis = await openLane(faultProxyUrl, 'upstash')
  neon = await openLane(faultProxyUrl, 'neon')
})
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all([redis.close(), neon.close()])
})

const FAULTS = [
  { kind: 'disconnect' },
  { kind: 'hang' },
  { kind: 'garbage' },
  { kind: 'status', status: 500 },
  { kind: 'cut' },
] as const

const DEPENDENCY = (name: string) => `accounts_dependency_up{dependency="${name}"}`

describe.each(FAULTS)('GET /metrics returns 200 within a second while', (fault) => {
  async function scrapeInTime() {
    const started = Date.now()
    const response = await scrapeOf(
      environment({
        METRICS_TOKEN,
        UPSTASH_REDIS_REST_URL: redis.url,
        NEON_HTTP_URL: neon.url,
      }),
    )
    expect(response.status).toBe(200)
    return { text: response.text, samples: samplesOf(response.text), took: Date.now() - started }
  }

  test(`Redis is down (${fault.kind}): it says so, without counters`, async () => {
    await redis.fault({ ...fault, match: 'hgetall' })
    const { text, samples, took } = await scrapeInTime()
    expect([samples.get(DEPENDENCY('redis')), samples.get(DEPENDENCY('database'))]).toEqual([0, 1])
    expect(text).toContain('accounts_users{')
    expect(text).not.toMatch(/^(http_|accounts_(events|logins|mails))/m)
    expect(took).toBeLessThan(1000)
  })

  test(`the database is down (${fault.kind}): it says so, without its gauges`, async () => {
    await neon.fault(fault)
    const { text, samples, took } = await scrapeInTime()
    expect([samples.get(DEPENDENCY('redis')), samples.get(DEPENDENCY('database'))]).toEqual([1, 0])
    expect(text).toContain('accounts_logins_total{')
    expect(text).not.toMatch(/^(active_users_total|accounts_(users|sessions|outbox))/m)
    expect(took).toBeLessThan(1000)
  })
})

test('requests go on, and say nothing of it, while the metrics can’t be flushed', async () => {
  await redis.fault({ kind: 'hang', match: 'hset' })
  const env = environment({ METRICS_TOKEN, UPSTASH_REDIS_REST_URL: redis.url })
  const context = createExecutionContext()
  const started = Date.now()
  const request = new Request('https://accounts.example.com/health/live')
  const response = await worker.fetch(request, env, context)
  expect([response.status, await response.json()]).toEqual([200, { status: 'alive' }])
  expect(Date.now() - started).toBeLessThan(3_000)
  await waitOnExecutionContext(context)
  expect(Date.now() - started).toBeGreaterThan(4_900) // The flush has given up.
})
