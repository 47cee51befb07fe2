import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { environment, visitor } from '../../setup/api.ts'
import { type Lane, openLane, type Target } from '../../setup/lanes.ts'
import { MOMENT } from '../../setup/shapes.ts'

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

let lanes: Record<Exclude<Target, 'resend'>, Lane>

beforeAll(async () => {
  const { faultProxyUrl } = inject('world')
  const [neon, upstash] = [
    await openLane(faultProxyUrl, 'neon'),
    await openLane(faultProxyUrl, 'upstash'),
  ]
  lanes = { neon, upstash }
})

afterAll(() => Promise.all([lanes.neon.close(), lanes.upstash.close()]))

/** A Worker that has probed nothing yet. */
const newcomer = () =>
  visitor({
    env: environment({
      NEON_HTTP_URL: lanes.neon.url,
      UPSTASH_REDIS_REST_URL: lanes.upstash.url,
      REDIS_TIMEOUT_MS: 400,
    }),
  })

test('GET /health answers 200 healthy, HEAD the same without a body, neither counted', async () => {
  const { get, call } = visitor()
  const { status, headers, body } = await get('/health')
  expect(status).toBe(200)
  expect(body).toEqual(HEALTHY)
  expect(headers.get('Cache-Control')).toBe('no-store')
  expect(headers.get('RateLimit')).toBeNull()
  expect(await call('HEAD', '/health')).toMatchObject({ status: 200, text: '' })
})

test('GET /health shares one probe among twenty monitors', async () => {
  const { get } = newcomer()
  await get('/health')
  await Promise.all([lanes.neon.clear(), lanes.upstash.clear()])
  const answers = await Promise.all(Array.from({ length: 20 }, () => get('/health')))
  expect(new Set(answers.map(({ body }) => body.status))).toEqual(new Set(['healthy']))
  expect([...(await lanes.neon.log()), ...(await lanes.upstash.log())]).toEqual([])
})

test.each([
  ['refuses', { kind: 'refuse' }, 'unavailable'],
  ['hangs', { kind: 'hang' }, 'timeout'],
  ['fails', { kind: 'status', status: 500 }, 'unavailable'],
  ['talks garbage', { kind: 'garbage' }, 'unavailable'],
] as const)(
  'GET /health answers 503 within a second when the database %s',
  async (_, fault, error) => {
    await lanes.neon.fault(fault)
    const started = Date.now()
    const { status, body } = await newcomer().get('/health')
    expect(Date.now() - started).toBeLessThan(1_000)
    await lanes.neon.calm()
    expect(status).toBe(503)
    expect(body).toEqual({ ...HEALTHY, status: 'unhealthy', database: { connected: false, error } })
  },
)

test.each([
  ['refuses', { kind: 'refuse' }],
  ['hangs', { kind: 'hang' }],
  ['talks garbage', { kind: 'garbage' }],
] as const)('GET /health answers 200 degraded when Redis %s', async (_, fault) => {
  await lanes.upstash.fault(fault)
  const { status, body } = await newcomer().get('/health')
  await lanes.upstash.calm()
  expect(status).toBe(200)
  expect(body).toEqual({ ...HEALTHY, status: 'degraded', redis: { connected: false } })
})

test('GET /health answers 200 degraded when mail is not configured', async () => {
  const { get } = visitor({ env: environment({ RESEND_API_KEY: '' }) })
  const { status, body } = await get('/health')
  expect(status).toBe(200)
  expect(body).toEqual({ ...HEALTHY, status: 'degraded', email_configured: false })
})

test('GET /health/live answers 200 and asks nothing of anybody', async () => {
  await Promise.all([lanes.neon.clear(), lanes.upstash.clear()])
  const { status, body } = await newcomer().get('/health/live')
  expect(status).toBe(200)
  expect(body).toEqual({ status: 'alive' })
  expect([...(await lanes.neon.log()), ...(await lanes.upstash.log())]).toEqual([])
})
