import { afterEach, expect, inject, test, vi } from 'vitest'
import { createLimiter, type Limit } from '../../src/rate-limit/limiter.ts'
import { RedisUnavailable } from '../../src/redis.ts'
import { freshName } from '../setup/accounts.ts'
import { openLane } from '../setup/lanes.ts'
import type {} from '../setup/world.ts'

const { bindings, faultProxyUrl } = inject('world')
const token = bindings['UPSTASH_REDIS_REST_TOKEN'] ?? ''
const lane = await openLane(faultProxyUrl, 'upstash')
const newLimiter = () => createLimiter({ redis: { url: lane.url, token, timeoutMs: 5_000 } })

const WINDOW = 60
const limitOf = (key: string): Limit => ({
  rule: { name: 'once', requests: 1, windowSeconds: WINDOW },
  key,
})

afterEach(async () => {
  vi.restoreAllMocks()
  await lane.calm()
})

test('a limit that is spent is remembered until its window ends', async () => {
  const { spend, blocked } = newLimiter()
  const limit = limitOf(freshName())
  expect(blocked(limit)).toBeUndefined()
  expect(await spend([limit])).toMatchObject([{ allowed: true, remaining: 0 }])
  expect(blocked(limit)).toBeUndefined()
  const [rejected] = await spend([limit])
  expect(rejected).toMatchObject({ rule: limit.rule, allowed: false, remaining: 0 })
  expect(blocked(limit)).toEqual(rejected)
  expect(blocked({ ...limit, rule: { ...limit.rule, name: 'another' } })).toBeUndefined()

  const now = Date.now()
  const end = Math.ceil(now / (1000 * WINDOW)) * 1000 * WINDOW
  const clock = vi.spyOn(Date, 'now').mockReturnValue(end - 1)
  expect(blocked(limit)).toMatchObject({ resetSeconds: 1 })
  clock.mockReturnValue(end)
  expect(blocked(limit)).toBeUndefined()
  clock.mockReturnValue(now)
  expect(blocked(limit), 'it is forgotten then').toBeUndefined()
})

test('the newest 10,000 blocked limits are remembered', { timeout: 60_000 }, async () => {
  const { spend, blocked } = newLimiter()
  vi.spyOn(Date, 'now').mockReturnValue(Date.now()) // No window ends meanwhile, at whose end they are forgotten.
  const prefix = freshName()
  const limits = Array.from({ length: 10_001 }, (_, n) => limitOf(`${prefix}:${n}`))
  const [first, second, ...others] = limits
  // One by one, so that their order is certain; the others in a few calls.
  for (const limit of [first, second]) for (let n = 0; n < 2; n++) await spend(limit ? [limit] : [])
  for (let from = 0; from < others.length - 1; from += 1_000) {
    const some = others.slice(from, Math.min(from + 1_000, others.length - 1))
    for (let n = 0; n < 2; n++) await spend(some)
  }
  const remembered = () => limits.filter((limit) => blocked(limit)).length
  expect(remembered()).toBe(10_000)
  const last = others.slice(-1)
  for (let n = 0; n < 2; n++) await spend(last)
  expect(remembered()).toBe(10_000)
  expect(first && blocked(first)).toBeUndefined()
  expect(second && blocked(second)).toBeDefined()
})

test('several limits are one call of Redis', async () => {
  const { spend } = newLimiter()
  await lane.clear()
  await spend([limitOf(freshName()), limitOf(freshName()), limitOf(freshName())])
  expect((await lane.log()).map(({ path }) => path)).toEqual(['/pipeline'])
})

test('ping reports whether Redis responds as it should', async () => {
  const { ping } = newLimiter()
  await expect(ping()).resolves.toBeUndefined()
  const headers = { 'content-type': 'application/json' }
  for (const [status, body] of [
    [200, '{"result":"LOADING"}'],
    [500, '{"error":"ERR"}'],
  ] as const) {
    await lane.fault({ kind: 'status', status, body, headers })
    const error = await ping().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RedisUnavailable)
    expect(error).toMatchObject({ name: 'RedisUnavailable', message: '' })
  }
})

test.each([
  ['another limit', '{"result":[0,2]}'],
  ['no number', '{"result":["x",1]}'],
])('a response with %s is an outage, not a block', async (_, body) => {
  const { spend, blocked } = newLimiter()
  const limit = limitOf(freshName())
  await lane.fault({
    ...{ kind: 'status', status: 200, body },
    headers: { 'content-type': 'application/json' },
  })
  await expect(spend([limit])).rejects.toBeInstanceOf(RedisUnavailable)
  expect(blocked(limit)).toBeUndefined()
})
