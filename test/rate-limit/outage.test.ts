import { expect, test } from 'vitest'
import { forgotPassword, getMe, refresh, resetPassword } from '../security/calls.ts'
import { listen } from '../security/captured-log.ts'
import { faulty } from '../security/faulty-world.ts'
import { newUser } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'

const redis = await faulty('upstash')
const { access_token, refresh_token, id, email } = await newUser()
const deadLink = await resetTokenOf(id)
await sql('delete from password_resets where user_id = $1', [id])

/** A limiter of the platform that notes whom it is asked about. */
function platformLimiter(success: boolean) {
  const keys: string[] = []
  const limiter: RateLimit = {
    async limit({ key }) {
      keys.push(key)
      return { success }
    },
  }
  return { keys, limiter }
}

/** A client of a Worker whose Redis is down. */
function duringOutage({
  address,
  quota = true,
  strict = true,
  factor = 1,
}: {
  address: string
  quota?: boolean
  strict?: boolean
  factor?: number
}) {
  const [ofQuota, ofStrict] = [platformLimiter(quota), platformLimiter(strict)]
  const env = redis.env({
    FALLBACK_QUOTA: ofQuota.limiter,
    FALLBACK_LIMITER: ofStrict.limiter,
    RATE_LIMIT_FACTOR: String(factor),
  })
  return {
    client: visitor({ address, env }),
    asked: { quota: ofQuota.keys, strict: ofStrict.keys },
  }
}

const calls = {
  me: (client: ReturnType<typeof visitor>) => getMe(access_token, { client }),
  refresh: (client: ReturnType<typeof visitor>) => refresh(refresh_token, { client }),
  reset: (client: ReturnType<typeof visitor>) => resetPassword(deadLink, undefined, { client }),
  forgot: (client: ReturnType<typeof visitor>) => forgotPassword(email, { client }),
}

const IPV4 = '203.0.113.7'
const IPV6 = '2001:db8:a:b::1'
const SITE = '2001:0db8:000a::/48'
const SUBNET = '2001:0db8:000a:000b::/64'

test.each([
  ['me', IPV4, { quota: [IPV4], strict: [] }],
  ['refresh', IPV4, { quota: [IPV4], strict: [] }],
  ['reset', IPV4, { quota: [IPV4], strict: [`reset-password:${IPV4}`] }],
  ['forgot', IPV4, { quota: [], strict: [] }],
  ['me', IPV6, { quota: [SUBNET], strict: [] }],
  ['reset', IPV6, { quota: [SUBNET], strict: [`reset-password:${SITE}`] }],
] as const)(
  'while Redis is down, %s from %s spends of the right limiters of the platform',
  async (call, address, spent) => {
    const { client, asked } = duringOutage({ address })
    const output = listen()
    const { status } = await redis.during({ kind: 'disconnect' }, () => calls[call](client))
    expect(status).toBe({ me: 200, refresh: 200, reset: 400, forgot: 503 }[call])
    expect(asked).toEqual(spent)
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: 'warn', event: 'limiter_unavailable' }),
    )
  },
)

test.each([
  ['quota', { quota: false }],
  ['strict', { strict: false }],
])(
  'while Redis is down and the %s limiter rejects, reset-password is 429 for a minute',
  async (_, rejecting) => {
    const { client } = duringOutage({ address: IPV4, ...rejecting })
    const response = await redis.during({ kind: 'disconnect' }, () => calls.reset(client))
    expectError(response, 429, 'RateLimitError')
    expect(response.headers.get('Retry-After')).toBe('60')
  },
)

test('while Redis is down, RATE_LIMIT_FACTOR leaves the limiters of the platform unused, which would reject too early', async () => {
  const { client, asked } = duringOutage({ address: IPV4, strict: false, factor: 1000 })
  const response = await redis.during({ kind: 'disconnect' }, () => calls.reset(client))
  expect(response.status).toBe(400)
  expect(asked).toEqual({ quota: [], strict: [] })
  const { status } = await redis.during({ kind: 'disconnect' }, () => calls.forgot(client))
  expect(status, 'what rejects without Redis still does').toBe(503)
})

test('while the database is down, a call that reads it beside the limiter is 503', async () => {
  const database = await faulty('neon')
  const client = visitor({ env: database.env() })
  const response = await database.during({ kind: 'disconnect' }, () => calls.me(client))
  expectError(response, 503, 'DatabaseError')
  expect(response.headers.get('RateLimit')).toMatch(/^"api";r=199;/)
})
