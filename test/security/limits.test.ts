import { expect, test, vi } from 'vitest'
import { newcomer, newUser } from '../setup/accounts.ts'
import {
  type ApiResponse,
  environment,
  expectError,
  freshAddress,
  send,
  visitor,
} from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { atOnce, tally } from './attack.ts'
import { getMe, refresh, resetPassword } from './calls.ts'
import { faulty, faultyWorld } from './faulty-world.ts'

const { access_token: token, refresh_token, id } = await newUser()

const remaining = ({ headers }: ApiResponse<any>) =>
  Number(headers.get('RateLimit')?.match(/"api";r=(\d+)/)?.[1])

async function remainingFor(headers: Record<string, string>) {
  const request = new Request('https://accounts.example.com/api/users/me', {
    headers: { Authorization: `Bearer ${token}`, ...headers },
  })
  return remaining(await send(request))
}

const remainingAt = (address: string) => remainingFor({ 'CF-Connecting-IP': address })

/** Headers that name an address. Cloudflare forwards all of them unchanged. */
const CLAIMS = [
  ...['X-Forwarded-For', 'X-Real-IP', 'True-Client-IP', 'X-Client-IP', 'Forwarded'],
  ...['X-Cluster-Client-IP', 'Fastly-Client-IP', 'CF-Connecting-IPv6', 'CF-Pseudo-IPv4'],
]

test('22 (API4:2023): the address is CF-Connecting-IP; X-Forwarded-For and similar headers are ignored', async () => {
  const address = freshAddress()
  expect(await remainingAt(address)).toBe(199)
  for (const [index, name] of CLAIMS.entries()) {
    const headers = { 'CF-Connecting-IP': address, [name]: freshAddress() }
    expect(await remainingFor(headers), name).toBe(198 - index)
  }
})

const INVALID_ADDRESSES = [
  ...['', 'unknown', 'localhost', 'a'.repeat(5_000)],
  ...['1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '0x7f000001', '2130706433'],
  ...['1.2.3.4, 5.6.7.8', '1.2.3.4:80', '[2001:db8::1]', '2001:db8::1%eth0'],
  ...['2001:db8::1::2', '2001:db8:0:0:0:0:0:0:1', ':::', '::ffff:1.2.3.999', '::1]/?['],
]

test('22: requests without a valid address share one bucket', async () => {
  // Other tests may use the bucket at the same time. A separate bucket would be a full one.
  let last = await remainingFor({})
  for (const address of INVALID_ADDRESSES) {
    const left = await remainingAt(address)
    expect(left, address.slice(0, 40)).toBeLessThan(last)
    last = left
  }
  expect(await remainingFor({ 'X-Forwarded-For': freshAddress() })).toBeLessThan(last)
})

const group = () => Math.floor(Math.random() * 0x10000).toString(16)

test('22: the addresses of an IPv6 /64 share a bucket, in any spelling', async () => {
  const [a, b] = [group(), group()]
  const net = `2001:db8:${a}:${b}`
  expect(await remainingAt(`${net}::1`)).toBe(199)
  expect(await remainingAt(`${net}:ffff:ffff:ffff:ffff`)).toBe(198)
  expect(await remainingAt(`${net}:0:0:0:1`.toUpperCase())).toBe(197)
  const padded = `2001:0db8:${a.padStart(4, '0')}:${b.padStart(4, '0')}::2`
  expect(await remainingAt(padded)).toBe(196)
  const neighbor = ((Number.parseInt(b, 16) + 1) % 0x10000).toString(16)
  expect(await remainingAt(`2001:db8:${a}:${neighbor}::1`)).toBe(199)
})

/** A /48 of IPv6. */
const freshSite = () => `2001:${group()}:${group()}`

/** Each in a /64 of its own. */
const machines = (site: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${site}:${i.toString(16)}::1`)

const guessBootstrapToken = (address: string) =>
  visitor({ address }).post('/api/admins/register', newcomer(), {
    headers: { 'X-Bootstrap-Token': 'a guess' },
  })

test('22: all /64s of a /48 have eight times a rule, other /48s their own', async () => {
  const attackers = machines(freshSite(), 100)
  const responses = await atOnce(100, (i) => guessBootstrapToken(String(attackers[i])))
  expect(tally(responses)).toEqual({ 401: 80, 429: 20 })
  const rejected = responses.find(({ status }) => status === 429)
  expect(rejected?.headers.get('RateLimit')).toMatch(/, "admin-register-48";r=0;t=\d+$/)
  expect(rejected?.headers.get('RateLimit-Policy')).toContain(', "admin-register-48";q=80;w=3600')
  expect((await guessBootstrapToken(`${freshSite()}::1`)).status).toBe(401)
})

test('22: ten machines of a company with one /48 have four fifths of their quotas each', async () => {
  const env = environment({ RATE_LIMIT_PER_HOUR: '20' })
  const clients = machines(freshSite(), 10).map((address) => visitor({ address, env, token }))
  const responses = await atOnce(160, (i) => (clients[i % 10] ?? visitor()).get('/api/users/me'))
  expect(tally(responses)).toEqual({ 200: 160 })
})

test('22: of a blocked /48, another /64 needs no round trip', async () => {
  const { lanes, env } = await faultyWorld()
  const bindings = env({ RATE_LIMIT_PER_HOUR: '1' })
  const [newest = '', ...others] = machines(freshSite(), 10)
  const read = (address: string) => getMe(token, { client: visitor({ address, env: bindings }) })
  expect(tally(await atOnce(9, (i) => read(String(others[i]))))).toEqual({ 200: 8, 429: 1 })
  await Promise.all([lanes.upstash.clear(), lanes.neon.clear()])

  const blocked = await read(newest)
  expectError(blocked, 429, 'RateLimitError')
  const wait = blocked.headers.get('Retry-After')
  expect(blocked.headers.get('RateLimit')).toBe(`"api-48";r=0;t=${wait}`)
  expect(blocked.headers.get('RateLimit-Policy')).toBe('"api-48";q=8;w=3600')
  expect(await lanes.upstash.log()).toEqual([])
  expect(await lanes.neon.log()).toEqual([])
})

/** The window of the platform's limiter is a minute of the clock: if it ends during the test, two count. */
test('22: while Redis is down, a /48 has 30 a minute of a strict rule', async () => {
  const redis = await faulty('upstash')
  const deadLink = await resetTokenOf(id)
  await sql('delete from password_resets where user_id = $1', [id])
  const clients = machines(freshSite(), 65).map((address) => visitor({ address, env: redis.env() }))
  const responses = await redis.during({ kind: 'disconnect' }, () =>
    atOnce(65, (i) => resetPassword(deadLink, undefined, { client: clients[i] ?? visitor() })),
  )
  const { 400: passed = 0, 429: rejected = 0 } = tally(responses)
  expect(passed + rejected).toBe(65)
  expect([30, 60]).toContain(passed)
})

test('22: an IPv4-mapped IPv6 address is the IPv4 address', async () => {
  const address = freshAddress()
  const [a, b, c, d] = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  expect(await remainingAt(address)).toBe(199)
  expect(await remainingAt(`::ffff:${address}`)).toBe(198)
  expect(await remainingAt(`::FFFF:${address}`)).toBe(197)
  expect(await remainingAt(`::ffff:${a}${b}:${c}${d}`)).toBe(196)
  expect(await remainingAt(`0:0:0:0:0:ffff:${address}`)).toBe(195)
})

const HOUR_MS = 3_600_000

/** If the sliding window changes during the test, so does the weight of the previous one. */
const ERROR_BOUND = 2

test('23: of 400 parallel calls from one address, 200 succeed', { timeout: 60_000 }, async () => {
  const client = visitor({ token })
  const responses = await atOnce(400, (i) =>
    client.get(i % 2 ? '/api/users/me' : '/api/users/me/sessions'),
  )
  const { 200: passed = 0, 429: rejected = 0 } = tally(responses)
  expect(passed + rejected).toBe(400)
  expect(passed).toBeGreaterThanOrEqual(200)
  expect(passed).toBeLessThanOrEqual(200 + ERROR_BOUND)
})

test('23: a request that a stricter limit rejects does not use up the API’s quota', async () => {
  const client = visitor()
  const responses = await atOnce(120, () => refresh(refresh_token, { client }))
  expect(tally(responses)).toEqual({ 200: 100, 429: 20 })
  expect((await getMe(token, { client })).status).toBe(200)
})

test('23 (draft-ietf-httpapi-ratelimit-headers-10): 429 has Retry-After and agreeing RateLimit headers, and needs no round trip', async () => {
  const { lanes, env } = await faultyWorld()
  const bindings = env({ RATE_LIMIT_PER_HOUR: 3 })
  const client = visitor({ env: bindings })
  for (const left of [2, 1, 0]) {
    const { status, headers } = await getMe(token, { client })
    expect(status).toBe(200)
    expect(headers.get('RateLimit-Policy')).toBe('"api";q=3;w=3600')
    expect(headers.get('RateLimit')).toMatch(new RegExp(`^"api";r=${left};t=\\d+$`))
  }
  // The isolate learns of the limit by this one.
  expectError(await getMe(token, { client }), 429, 'RateLimitError')
  await Promise.all([lanes.upstash.clear(), lanes.neon.clear()])

  for (const blocked of [
    await getMe(token, { client }),
    await client.put('/api/users/me', { full_name: 'X' }, { token }),
    await client.post('/api/users/login', { username: 'nobody', password: 'wrong' }),
    await refresh(refresh_token, { client }),
    await client.post('/api/password/forgot-password', { email: 'a@example.com' }),
  ]) {
    expectError(blocked, 429, 'RateLimitError', 'Too many requests, please try again later')
    const wait = Number(blocked.headers.get('Retry-After'))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(3600)
    expect(blocked.body.details).toEqual({ retry_after: wait })
    expect(blocked.headers.get('RateLimit')).toContain(`"api";r=0;t=${wait}`)
    expect(blocked.headers.get('RateLimit-Policy')).toContain('"api";q=3;w=3600')
  }
  expect(await lanes.upstash.log()).toEqual([])
  expect(await lanes.neon.log()).toEqual([])
  expect((await getMe(token, { client: visitor({ env: bindings }) })).status).toBe(200)
})

test('23: when two rules reject, Retry-After is the longer wait', async () => {
  const tenPastTheHour = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + 10 * 60_000
  const clock = vi.spyOn(Date, 'now').mockReturnValue(tenPastTheHour)
  const client = visitor({ env: environment({ RATE_LIMIT_PER_HOUR: '100' }) })
  const responses = await atOnce(101, () => refresh(refresh_token, { client }))
  clock.mockRestore()
  const rejected = responses.find(({ status }) => status === 429)
  expect(rejected?.headers.get('RateLimit')).toBe('"api";r=0;t=3000, "refresh";r=0;t=300')
  expect(rejected?.headers.get('Retry-After')).toBe('3000')
})

test('23: of 15 parallel guesses of the bootstrap token, ten are compared', async () => {
  const client = visitor()
  const body = { username: 'root', email: 'root@example.com', password: 'a password of root' }
  const responses = await atOnce(15, (i) =>
    client.post('/api/admins/register', body, { headers: { 'X-Bootstrap-Token': `guess ${i}` } }),
  )
  expect(tally(responses)).toEqual({ 401: 10, 429: 5 })
})

test('23: the root, health and documentation are free of the quota and have no RateLimit header', async () => {
  const client = visitor()
  for (const path of ['/', '/health', '/health/live', '/docs', '/redoc', '/openapi.json']) {
    const { status, headers } = await client.get(path)
    expect([status, headers.get('RateLimit')]).toEqual([200, null])
  }
  expect(remaining(await getMe(token, { client }))).toBe(199)
})

test.each([
  ...['//api/users/me', '/api//users/me', '/api/users/me/', '/api/users/me//'],
  ...['/api%2Fusers%2Fme', '/api/users%2fme', '/API/USERS/ME', '/api/users/Me'],
  ...['/api/users/me;a=b', '/api/users/me%00', '/api/users/me%20', '/api/users/me.json'],
  ...['/api/users/%252e%252e/users/me', '/api/users\\\\me', '/./api/./users//me'],
])('24: %s is 404', async (path) => {
  expectError(await visitor({ token }).get(path), 404, 'NotFoundError')
})

test.each([
  ...['/api/admins/../users/me', '/api/x/%2e%2e/users/me', '/api/./users/me'],
  ...['/api/users/me?x=1', '/api/users/me#x', '/api/users/%6De', '/api/users\\me'],
])('24: %s is the same route in the same bucket', async (path) => {
  const client = visitor({ token })
  expect(remaining(await client.get('/api/users/me'))).toBe(199)
  const response = await client.get(path)
  expect([response.status, remaining(response)]).toEqual([200, 198])
})
