import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { environment, visitor } from '../../setup/api.ts'
import { type Lane, openLane } from '../../setup/lanes.ts'
import { expectResponse, MOMENT } from '../../setup/shapes.ts'

const HEALTHY = {
  status: 'healthy',
  timestamp: MOMENT,
  version: packageJson.version,
  environment: 'test',
  project: 'ADL Production',
  database: { connected: true, error: null },
  redis: { connected: true },
  email_configured: true,
}

let neon: Lane
let upstash: Lane

beforeAll(async () => {
  const { faultProxyUrl } = inject('world')
  neon = await openLane(faultProxyUrl, 'neon')
  upstash = await openLane(faultProxyUrl, 'upstash')
})

afterAll(() => Promise.all([neon.close(), upstash.close()]))

const clearLogs = () => Promise.all([neon.clear(), upstash.clear()])

const logged = async () => [...(await neon.log()), ...(await upstash.log())]

/** A Worker that has not probed anything yet. */
const newWorker = () =>
  visitor({
    env: environment({
      NEON_HTTP_URL: neon.url,
      UPSTASH_REDIS_REST_URL: upstash.url,
      REDIS_TIMEOUT_MS: 400,
    }),
  })

test('GET /health returns 200 healthy, HEAD the same without a body, outside the quota', async () => {
  const { get, call } = visitor()
  const response = await get('/health')
  expectResponse(response, 200, HEALTHY)
  expect(response.headers.get('Cache-Control')).toBe('no-store')
  expect(response.headers.get('RateLimit')).toBeNull()
  expect(await call('HEAD', '/health')).toMatchObject({ status: 200, text: '' })
})

test('GET /health shares one probe among twenty monitors', async () => {
  const { get } = newWorker()
  await get('/health')
  await clearLogs()
  const responses = await Promise.all(Array.from({ length: 20 }, () => get('/health')))
  expect(new Set(responses.map(({ body }) => body.status))).toEqual(new Set(['healthy']))
  expect(await logged()).toEqual([])
})

const unhealthy = (error: string) => ({
  status: 'unhealthy',
  database: { connected: false, error },
})
const DEGRADED = { status: 'degraded', redis: { connected: false } }

test.each([
  [503, 'the database closes the connection', { kind: 'disconnect' }, unhealthy('unavailable')],
  [503, 'the database hangs', { kind: 'hang' }, unhealthy('timeout')],
  [503, 'the database returns 500', { kind: 'status', status: 500 }, unhealthy('unavailable')],
  [503, 'the database returns garbage', { kind: 'garbage' }, unhealthy('unavailable')],
  [200, 'Redis closes the connection', { kind: 'disconnect' }, DEGRADED],
  [200, 'Redis hangs', { kind: 'hang' }, DEGRADED],
  [200, 'Redis returns garbage', { kind: 'garbage' }, DEGRADED],
] as const)(
  'GET /health returns %i within a second when %s',
  async (status, what, fault, changed) => {
    const lane = what.startsWith('Redis') ? upstash : neon
    await lane.fault(fault)
    await vi.waitFor(async () => {
      const started = Date.now()
      const response = await newWorker().get('/health')
      expectResponse(response, status, { ...HEALTHY, ...changed })
      // Again if not, as this machine may be busy.
      expect(Date.now() - started).toBeLessThan(1_000)
    }, 10_000)
    await lane.calm()
  },
)

test('GET /health returns 200 degraded when mail is not configured', async () => {
  const { get } = visitor({ env: environment({ RESEND_API_KEY: '' }) })
  const degraded = { ...HEALTHY, status: 'degraded', email_configured: false }
  expectResponse(await get('/health'), 200, degraded)
})

test('GET /health returns 503 when the configuration is invalid', async () => {
  const { get } = visitor({ env: environment({ SECRET_KEY: 'canary' }) })
  expectResponse(await get('/health'), 503, {
    ...{ ...HEALTHY, status: 'unhealthy', environment: 'unknown', project: 'unknown' },
    ...{ database: { connected: false, error: 'not_configured' }, redis: { connected: false } },
    email_configured: false,
  })
})

test('GET /health/live returns 200 without touching any dependency', async () => {
  await clearLogs()
  expectResponse(await newWorker().get('/health/live'), 200, { status: 'alive' })
  expect(await logged()).toEqual([])
})
