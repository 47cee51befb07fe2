import { beforeAll, describe, expect, test } from 'vitest'
import type { Bindings } from '../../src/context.ts'
import { newUser } from '../setup/accounts.ts'
import { type Answer, environment, expectError, freshAddress, send, visitor } from '../setup/api.ts'
import { atOnce, tally } from './attack.ts'
import { faulty } from './faulty-world.ts'

let token: string
let refresh_token: string
beforeAll(async () => {
  const user = await newUser()
  token = user.access_token
  refresh_token = user.refresh_token
})

/** Requests left of the quota over the API, as an answer tells. */
const left = ({ headers }: Answer<any>) =>
  Number(headers.get('RateLimit')?.match(/"api";r=(\d+)/)?.[1])

/** One request with these headers alone; what tells an address is the test's to say. */
const ask = (headers: Record<string, string>, env?: Bindings) =>
  send(
    new Request('https://accounts.example.com/api/users/me', {
      headers: { Authorization: `Bearer ${token}`, ...headers },
    }),
    env,
  )

const from = (address: string) => ask({ 'CF-Connecting-IP': address })

/** What a client may claim to be. Cloudflare passes all of these on as they came. */
const CLAIMS = [
  'X-Forwarded-For',
  'X-Real-IP',
  'True-Client-IP',
  'X-Client-IP',
  'Forwarded',
  'X-Cluster-Client-IP',
  'Fastly-Client-IP',
  'CF-Connecting-IPv6',
  'CF-Pseudo-IPv4',
]

describe('22: whom a limit counts', () => {
  test('22 (API4:2023): the address is CF-Connecting-IP; X-Forwarded-For and friends change nothing', async () => {
    const address = freshAddress()
    const first = await from(address)
    expect(left(first)).toBe(199)
    for (const [index, name] of CLAIMS.entries()) {
      const answer = await ask({ 'CF-Connecting-IP': address, [name]: freshAddress() })
      expect(left(answer), name).toBe(198 - index)
    }
  })

  test('22: those whose address is missing or nonsense share one bucket', async () => {
    const nonsense = [
      '',
      'unknown',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4, 5.6.7.8',
      '1.2.3.4:80',
      '[2001:db8::1]',
      '2001:db8::1%eth0',
      '2001:db8::1::2',
      '2001:db8:0:0:0:0:0:0:1',
      ':::',
      '::ffff:1.2.3.999',
      'localhost',
      '0x7f000001',
      '2130706433',
      'a'.repeat(5_000),
    ]
    // Others may call from nowhere at the same time; but a bucket of its own would be a full one.
    let last = left(await ask({}))
    for (const address of nonsense) {
      const now = left(await from(address))
      expect(now, address.slice(0, 40)).toBeLessThan(last)
      last = now
    }
    expect(left(await ask({ 'X-Forwarded-For': freshAddress() }))).toBeLessThan(last)
  })

  const group = () => Math.floor(Math.random() * 0x10000).toString(16)

  test('22: IPv6 counts by /64, in any spelling', async () => {
    const [a, b] = [group(), group()]
    const net = `2001:db8:${a}:${b}`
    expect(left(await from(`${net}::1`))).toBe(199)
    expect(left(await from(`${net}:ffff:ffff:ffff:ffff`))).toBe(198)
    expect(left(await from(`${net}:0:0:0:1`.toUpperCase()))).toBe(197)
    expect(left(await from(`2001:0db8:${a.padStart(4, '0')}:${b.padStart(4, '0')}::2`))).toBe(196)
    const neighbour = ((Number.parseInt(b, 16) + 1) % 0x10000).toString(16)
    expect(left(await from(`2001:db8:${a}:${neighbour}::1`))).toBe(199)
  })

  test('22: an IPv4 address mapped into IPv6 is that IPv4 address', async () => {
    const address = freshAddress()
    const parts = address.split('.').map(Number)
    const hex = parts.map((part) => part.toString(16).padStart(2, '0'))
    expect(left(await from(address))).toBe(199)
    expect(left(await from(`::ffff:${address}`))).toBe(198)
    expect(left(await from(`::FFFF:${address}`))).toBe(197)
    expect(left(await from(`::ffff:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`))).toBe(196)
    expect(left(await from(`0:0:0:0:0:ffff:${address}`))).toBe(195)
  })
})

describe('23: how far a limit holds', () => {
  /**
   * The window slides: what the last hour's window held counts for the part of it that is still
   * within an hour. Redis decides each request alone, so within a window no more than 200 pass;
   * should the windows change meanwhile, so do the weights, and a few more may pass.
   */
  const ERROR_BOUND = 2

  test('23: of 400 parallel calls from one address 200 pass', { timeout: 60_000 }, async () => {
    const caller = visitor()
    const answers = await atOnce(400, (i) =>
      caller.get(i % 2 ? '/api/users/me' : '/api/users/me/sessions', { token }),
    )
    const { 200: passed = 0, 429: rejected = 0 } = tally(answers)
    expect(passed + rejected).toBe(400)
    expect(passed).toBeGreaterThanOrEqual(200)
    expect(passed).toBeLessThanOrEqual(200 + ERROR_BOUND)
  })

  test('23: the rules of one call are spent apart: 100 refreshes leave 100 of the quota', async () => {
    const caller = visitor()
    const answers = await atOnce(120, () => caller.post('/api/users/refresh', { refresh_token }))
    expect(tally(answers)).toEqual({ 200: 100, 429: 20 })
    expect((await caller.get('/api/users/me', { token })).status).toBe(200)
  })

  test('23 (draft-ietf-httpapi-ratelimit-headers-10): 429 carries Retry-After and agreeing RateLimit headers, and costs no trip', async () => {
    const [upstash, neon] = [await faulty('upstash'), await faulty('neon')]
    const env = environment({
      UPSTASH_REDIS_REST_URL: upstash.url,
      NEON_HTTP_URL: neon.url,
      RATE_LIMIT_PER_HOUR: 3,
    })
    const caller = visitor({ env })
    for (const remaining of [2, 1, 0]) {
      const answer = await caller.get('/api/users/me', { token })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('RateLimit-Policy')).toBe('"api";q=3;w=3600')
      expect(answer.headers.get('RateLimit')).toMatch(new RegExp(`^"api";r=${remaining};t=\\d+$`))
    }
    const learned = await caller.get('/api/users/me', { token })
    expectError(learned, 429, 'RateLimitError')
    await Promise.all([upstash.clear(), neon.clear()])

    const calls = [
      () => caller.get('/api/users/me', { token }),
      () => caller.put('/api/users/me', { full_name: 'X' }, { token }),
      () => caller.post('/api/users/login', { username: 'nobody', password: 'wrong' }),
      () => caller.post('/api/users/refresh', { refresh_token }),
      () => caller.post('/api/password/forgot-password', { email: 'a@example.com' }),
    ]
    for (const call of calls) {
      const blocked = await call()
      expectError(blocked, 429, 'RateLimitError', 'Too many requests, please try again later')
      const wait = Number(blocked.headers.get('Retry-After'))
      expect(wait).toBeGreaterThan(0)
      expect(wait).toBeLessThanOrEqual(3600)
      expect(blocked.body.details).toEqual({ retry_after: wait })
      expect(blocked.headers.get('RateLimit')).toContain(`"api";r=0;t=${wait}`)
      expect(blocked.headers.get('RateLimit-Policy')).toContain('"api";q=3;w=3600')
    }
    expect(await upstash.log()).toEqual([])
    expect(await neon.log()).toEqual([])
    expect((await visitor({ env }).get('/api/users/me', { token })).status).toBe(200)
  })

  test('23: guesses at the bootstrap token are counted before they are compared', async () => {
    const guesser = visitor()
    const answers = await atOnce(15, (i) =>
      guesser.post(
        '/api/admins/register',
        { username: 'root', email: 'root@example.com', password: 'a password of root' },
        { headers: { 'X-Bootstrap-Token': `guess ${i}` } },
      ),
    )
    expect(tally(answers)).toEqual({ 401: 10, 429: 5 })
  })

  test('23: health, documents and the root are free of the quota, and tell nothing of it', async () => {
    const caller = visitor()
    for (const path of ['/', '/health', '/health/live', '/docs', '/redoc', '/openapi.json']) {
      const { status, headers } = await caller.get(path)
      expect(status).toBe(200)
      expect(headers.get('RateLimit')).toBeNull()
    }
    expect(left(await caller.get('/api/users/me', { token }))).toBe(199)
  })
})

describe('24: aliases of a path', () => {
  test.each([
    '//api/users/me',
    '/api//users/me',
    '/api/users/me/',
    '/api/users/me//',
    '/api%2Fusers%2Fme',
    '/api/users%2fme',
    '/API/USERS/ME',
    '/api/users/Me',
    '/api/users/me;a=b',
    '/api/users/me%00',
    '/api/users/me%20',
    '/api/users/me.json',
    '/api/users/%252e%252e/users/me',
    '/api/users\\\\me',
    '/./api/./users//me',
  ])('24: %s is 404, not another way in', async (path) => {
    const answer = await visitor().get(path, { token })
    expectError(answer, 404, 'NotFoundError')
  })

  test.each([
    '/api/admins/../users/me',
    '/api/x/%2e%2e/users/me',
    '/api/./users/me',
    '/api/users/me?x=1',
    '/api/users/me#x',
    '/api/users/%6De',
    '/api/users\\me',
  ])('24: %s is the same route, in the same bucket', async (path) => {
    const caller = visitor()
    expect(left(await caller.get('/api/users/me', { token }))).toBe(199)
    const answer = await caller.get(path, { token })
    expect(answer.status).toBe(200)
    expect(left(answer)).toBe(198)
  })
})
