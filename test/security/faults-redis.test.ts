/** Security sheet, fault matrix: Redis away. */
import { beforeAll, describe, expect, it } from 'vitest'
import { freshName, logIn, newAdmin, PASSWORD, registerUser } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import type { Fault } from '../setup/lanes.ts'
import { expectUnavailable, fastest, faulty, heldQueue, timed } from './faulty-world.ts'

const status = (status: number, body: unknown): Fault => ({
  kind: 'status',
  status,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})

/** What Upstash answers when a plan is used up. */
const QUOTA = { error: 'ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.' }

const FAULTS: [string, Fault][] = [
  ['refuses', { kind: 'refuse' }],
  ['hangs', { kind: 'hang' }],
  ['is slow', { kind: 'slow', ms: 1_500 }],
  ['answers 500', status(500, { error: 'ERR internal' })],
  ['answers 503 without JSON', { kind: 'status', status: 503, body: '<h1>Bad Gateway</h1>' }],
  ['is out of quota (400)', status(400, QUOTA)],
  ['is out of quota (429)', status(429, QUOTA)],
  ['answers garbage', { kind: 'garbage' }],
  ['answers another shape', status(200, { result: 'weird' })],
  ['answers nulls', status(200, { result: [null, null] })],
  ['answers nothing', status(200, {})],
  ['answers half', { kind: 'cut' }],
  ['loses its answers', { kind: 'lose-answer' }],
]

/** Milliseconds: a monitor hears within a second, and a caller waits no more than so much longer. */
const HEALTH_BOUND = 1_000
const SLOWER_BOUND = 500

let redis: Awaited<ReturnType<typeof faulty>>
let admin: Awaited<ReturnType<typeof newAdmin>>

beforeAll(async () => {
  redis = await faulty('upstash')
  admin = await newAdmin()
})

describe.each(FAULTS)('Redis %s', (_, fault) => {
  it('users register, log in, refresh, read and write; admins and mails wait; health is degraded', async () => {
    const { queue, held } = heldQueue()
    const env = redis.env({ MAIL_QUEUE: queue })
    const caller = visitor({ env })

    await redis.during(fault, async () => {
      const health = await timed(() => caller.get('/health'))
      expect(health.took).toBeLessThan(HEALTH_BOUND)
      expect(health.result.status).toBe(200)
      expect(health.result.body).toMatchObject({
        status: 'degraded',
        database: { connected: true },
        redis: { connected: false },
      })

      const user = await registerUser(caller)
      const mine = { token: user.access_token }
      const byAdmin = { token: admin.access_token }
      const wrong = { current_password: 'not my password', new_password: PASSWORD }
      const [refresh, update, change, byToken] = await Promise.all([
        caller.post('/api/users/refresh', { refresh_token: user.refresh_token }),
        caller.put('/api/users/me', { full_name: 'Ada' }, mine),
        caller.post('/api/users/change-password', wrong, mine),
        caller.get('/api/admins/me', byAdmin),
      ])
      expect([refresh.status, update.status, byToken.status]).toEqual([200, 200, 200])
      expectError(change, 401, 'AuthenticationError', 'Current password is incorrect')

      const again = visitor({ env })
      const { username, email } = admin
      const newcomer = { username: `${username}-2`, email: `2${email}`, password: PASSWORD }
      const refused = await Promise.all([
        again.post('/api/admins/login', { username, password: PASSWORD }),
        again.post('/api/admins/register', newcomer, byAdmin),
        again.post('/api/password/forgot-password', { email: user.email }),
        again.post('/api/password/test-email', { to_email: email }, byAdmin),
      ])
      for (const answer of refused) expectUnavailable(answer, 'ServiceUnavailableError')
      expect(held.map(({ type }) => type)).toEqual(['owed'])
    })

    const next = await visitor({ env }).post('/api/users/login', {
      username: freshName(),
      password: PASSWORD,
    })
    expectError(next, 401, 'AuthenticationError')
    expect(next.headers.get('RateLimit')).toMatch(/^"api";r=\d+;t=\d+, "login";r=29;t=\d+$/)
  })
})

describe('Redis hangs', () => {
  it('GET me, refresh and login are at most half a second slower', async () => {
    const env = redis.env()
    const user = await registerUser()
    const me = () => visitor({ env }).get('/api/users/me', { token: user.access_token })
    const refresh = () =>
      visitor({ env }).post('/api/users/refresh', { refresh_token: user.refresh_token })
    const login = () => logIn(visitor({ env }), user.username)
    const all = () => Promise.all([me, refresh, login].map(fastest))
    const usually = await all()
    const meanwhile = await redis.during({ kind: 'hang' }, all)
    for (const [index, took] of meanwhile.entries()) {
      expect(took - Number(usually[index])).toBeLessThan(SLOWER_BOUND)
    }
  })

  it('both limits of a login are asked for at once: one wait, not two', async () => {
    const user = await registerUser()
    await redis.clear()
    await redis.during({ kind: 'hang' }, () => logIn(visitor({ env: redis.env() }), user.username))
    const [first, second, ...more] = (await redis.log()).map(({ startedAt }) => startedAt)
    expect(Math.abs(Number(second) - Number(first))).toBeLessThan(200)
    expect(more).toEqual([])
  })
})

describe('Redis refuses', () => {
  it("an account's wrong passwords are counted in PostgreSQL: the eleventh try is 429, from any address", async () => {
    const user = await registerUser()
    const env = redis.env()
    const login = (password: string) =>
      visitor({ env }).post('/api/users/login', { username: user.username, password })
    await redis.during({ kind: 'refuse' }, async () => {
      const wrong = await Promise.all(Array.from({ length: 14 }, () => login('not my password')))
      expect(wrong.map((answer) => answer.status).sort()).toEqual([
        ...Array(10).fill(401),
        ...Array(4).fill(429),
      ])
      const right = await login(PASSWORD)
      expectError(right, 429, 'RateLimitError')
      expect(Number(right.headers.get('Retry-After'))).toBeGreaterThan(800)
    })
    const [row] = await sql<{ count: number }>('select count from attempts where key = $1', [
      `user:${user.id}`,
    ])
    expect(row?.count).toBe(15)
  })

  it("the platform's own limiter lets an address pass 20 times a minute, then answers 429", async () => {
    const user = await registerUser()
    const caller = visitor({ env: redis.env() })
    const answers = await redis.during({ kind: 'refuse' }, () =>
      Promise.all(
        Array.from({ length: 45 }, () => caller.get('/api/users/me', { token: user.access_token })),
      ),
    )
    const passed = answers.filter((answer) => answer.status === 200)
    const blocked = answers.filter((answer) => answer.status === 429)
    expect(passed.length + blocked.length).toBe(45)
    // Its window is a minute of the clock: a test that meets its end sees two of them.
    expect([20, 40]).toContain(passed.length)
    expect(blocked[0]?.headers.get('Retry-After')).toBe('60')
  })
})
