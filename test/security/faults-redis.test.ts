import { expect, test, vi } from 'vitest'
import { logIn, newAdmin, newcomer, newUser, PASSWORD, registerUser } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { atOnce, attemptsOf, tally } from './attack.ts'
import { changePassword, forgotPassword, getMe, login, refresh, resetPassword } from './calls.ts'
import {
  expectUnavailable,
  fastest,
  faulty,
  heldQueue,
  type NamedFault,
  RESPONSE_LOST,
  responds,
  timed,
  UNREACHABLE,
} from './faulty-world.ts'

/** What Upstash returns when a plan is used up. */
const QUOTA = { error: 'ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.' }

const FAULTS: NamedFault[] = [
  ...UNREACHABLE,
  ...RESPONSE_LOST,
  ['is slow', { kind: 'slow', ms: 1_500 }],
  ['responds with 500', responds(500, { error: 'ERR internal' })],
  ['is over its quota (400)', responds(400, QUOTA)],
  ['is over its quota (429)', responds(429, QUOTA)],
  ['responds with another shape', responds(200, { result: 'weird' })],
  ['responds with nulls', responds(200, { result: [null, null] })],
  ['responds with an empty object', responds(200, {})],
]

const redis = await faulty('upstash')
const admin = await newAdmin()

test.each(FAULTS)(
  'Fault matrix: while Redis %s, health is degraded within 1 s; users register, log in, refresh, read and write; admins log in; admin register, forgot-password and test-email are 503',
  async (_, fault) => {
    const { queue, held } = heldQueue()
    const env = redis.env({ MAIL_QUEUE: queue })
    const client = visitor({ env })

    await redis.during(fault, async () => {
      const { result: health, took } = await timed(() => client.get('/health'))
      expect(took).toBeLessThan(1_000)
      expect(health).toMatchObject({
        status: 200,
        body: { status: 'degraded', database: { connected: true }, redis: { connected: false } },
      })

      const user = await registerUser(client)
      const token = user.access_token
      const [adminLogin, refreshed, updated, changed, adminRead] = await Promise.all([
        login(admin.username, PASSWORD, { type: 'admins', client }),
        refresh(user.refresh_token, { client }),
        client.put('/api/users/me', { full_name: 'Ada' }, { token }),
        changePassword(token, 'not my password', PASSWORD, { client }),
        getMe(admin.access_token, { type: 'admins', client }),
      ])
      expect(tally([adminLogin, refreshed, updated, adminRead])).toEqual({ 200: 4 })
      expectError(changed, 401, 'AuthenticationError', 'Current password is incorrect')

      const other = visitor({ env })
      const byAdmin = { token: admin.access_token }
      const unavailable = await Promise.all([
        other.post('/api/admins/register', newcomer(), byAdmin),
        forgotPassword(user.email, { client: other }),
        other.post('/api/password/test-email', { to_email: admin.email }, byAdmin),
      ])
      for (const response of unavailable) expectUnavailable(response, 'ServiceUnavailableError')
      expect(held.map(({ type }) => type)).toEqual(['owed'])
    })

    const next = await login(newcomer().username, PASSWORD, { client: visitor({ env }) })
    expectError(next, 401, 'AuthenticationError')
    expect(next.headers.get('RateLimit')).toMatch(/^"api";r=\d+;t=\d+, "login";r=29;t=\d+$/)
  },
)

test('Fault matrix: while Redis hangs, GET me, refresh and login are at most 0.5 s slower', async () => {
  const user = await newUser()
  const client = () => visitor({ env: redis.env() })
  const calls = [
    () => getMe(user.access_token, { client: client() }),
    () => refresh(user.refresh_token, { client: client() }),
    () => logIn(client(), user.username),
  ]
  const all = () => Promise.all(calls.map(fastest))
  // Again if not, as this machine may be busy.
  await vi.waitFor(async () => {
    const before = await all()
    const during = await redis.during({ kind: 'hang' }, all)
    for (const [index, took] of during.entries()) {
      expect(took - Number(before[index])).toBeLessThan(500)
    }
  }, 15_000)
})

test('Fault matrix: while Redis hangs, a login asks it once, for both of its limits', async () => {
  const user = await newUser()
  await redis.clear()
  await redis.during({ kind: 'hang' }, () => logIn(visitor({ env: redis.env() }), user.username))
  expect((await redis.log()).map(({ path }) => path)).toEqual(['/pipeline'])
})

test('Fault matrix: while Redis closes connections, PostgreSQL counts wrong passwords: the eleventh attempt is 429 from any address', async () => {
  const { id, username } = await newUser()
  const env = redis.env()
  const attempt = (password: string) => login(username, password, { client: visitor({ env }) })
  await redis.during({ kind: 'disconnect' }, async () => {
    expect(tally(await atOnce(14, () => attempt('not my password')))).toEqual({ 401: 10, 429: 4 })
    const right = await attempt(PASSWORD)
    expectError(right, 429, 'RateLimitError')
    expect(Number(right.headers.get('Retry-After'))).toBeGreaterThan(800)
  })
  expect(await attemptsOf(`user:${id}`)).toBe(15)
})

/** The window is a minute of the clock: if it ends during the test, two windows count. */
test.each([
  ['300 requests', 300, 'me'],
  ['30 password resets', 30, 'reset'],
] as const)(
  "Fault matrix: while Redis closes connections, the platform's limiter allows an address %s a minute, then 429",
  async (_, limit, call) => {
    const { access_token, id } = await newUser()
    const token = await resetTokenOf(id)
    await sql('delete from password_resets where user_id = $1', [id])
    const client = visitor({ env: redis.env() })
    const minute = () => Math.floor(Date.now() / 60_000)
    const began = minute()
    const responses = await redis.during({ kind: 'disconnect' }, () =>
      atOnce(2 * limit + 5, () =>
        call === 'me'
          ? getMe(access_token, { client })
          : resetPassword(token, undefined, { client }),
      ),
    )
    const { 200: read = 0, 400: deadLinks = 0, 429: blocked = 0 } = tally(responses)
    const passed = read + deadLinks
    expect(passed + blocked).toBe(2 * limit + 5)
    expect(passed).toBeGreaterThanOrEqual(limit)
    expect(passed).toBeLessThanOrEqual((minute() - began + 1) * limit)
    const first = responses.find(({ status }) => status === 429)
    expect(first?.headers.get('Retry-After')).toBe('60')
  },
)
