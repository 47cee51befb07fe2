import { Ratelimit } from '@upstash/ratelimit'
import { connectRedis, type Redis, redisUnavailable } from '../redis.ts'

/** Blocked keys an isolate remembers. A key and a time are some 100 bytes: a megabyte at most. */
const REMEMBERED_BLOCKS = 10_000

/** At most `requests` in a sliding window of `windowSeconds`. */
export type Rule = { name: string; requests: number; windowSeconds: number }

/** A rule, and whom it counts. */
export type Limit = { rule: Rule; key: string }

/** What a rule says about one request. `resetSeconds`: until the window ends. */
export type Allowance = { rule: Rule; allowed: boolean; remaining: number; resetSeconds: number }

export type Limiter = {
  /** What this isolate remembers of a key that spent all it had, without asking. */
  blocked(limit: Limit): Allowance | undefined
  /** Spends one request of each limit, in one call of Redis. @throws {RedisUnavailable} */
  spend(limits: readonly Limit[]): Promise<Allowance[]>
  /** @throws {RedisUnavailable} */
  ping(): Promise<void>
}

/** Rate limits in Upstash Redis, over REST. */
export function createLimiter({
  redis,
}: {
  redis: { url: string; token: string; timeoutMs: number }
}): Limiter {
  const single = connectRedis({ redis, timeoutMs: redis.timeoutMs })
  const limiterOf = limitersOn(single)
  // Sends in one call what is asked before the next await: all limits of one request, and never those of
  // two, as the code of one request runs on until then. Making the SDK's pipeline takes as long as a
  // tenth of `GET me`, so a single limit goes without.
  const pipelinedLimiterOf = limitersOn(
    connectRedis({ redis, timeoutMs: redis.timeoutMs, pipelined: true }),
  )
  const blockedUntil = new Map<string, number>()

  function remember(key: string, until: number) {
    const oldest = blockedUntil.keys().next()
    if (blockedUntil.size >= REMEMBERED_BLOCKS && !oldest.done) blockedUntil.delete(oldest.value)
    blockedUntil.set(key, until)
  }

  async function spendOne({ rule, key }: Limit, limiter: Ratelimit): Promise<Allowance> {
    const result = await limiter.limit(key).catch(redisUnavailable)
    const { success, remaining, limit, reset } = result
    // Garbage that parses would come out as "blocked": no bogus 429.
    if (limit !== rule.requests || !Number.isFinite(remaining)) return redisUnavailable()
    if (!success) remember(`${rule.name}:${key}`, reset)
    return allowanceOf(rule, success, remaining, reset)
  }

  return {
    blocked({ rule, key }) {
      const until = blockedUntil.get(`${rule.name}:${key}`)
      if (until === undefined) return undefined
      if (until > Date.now()) return allowanceOf(rule, false, 0, until)
      blockedUntil.delete(`${rule.name}:${key}`)
      return undefined
    },
    spend(limits) {
      const limiterFor = limits.length > 1 ? pipelinedLimiterOf : limiterOf
      return Promise.all(limits.map((limit) => spendOne(limit, limiterFor(limit.rule))))
    },
    async ping() {
      if ((await single.ping().catch(redisUnavailable)) !== 'PONG') redisUnavailable()
    },
  }
}

/** Each rule's limiter, made when it is first used. */
function limitersOn(redis: Redis) {
  const made = new Map<string, Ratelimit>()
  return (rule: Rule): Ratelimit => {
    const known = made.get(rule.name)
    if (known) return known
    const limiter = new Ratelimit({
      redis,
      prefix: `limit:${rule.name}`,
      limiter: Ratelimit.slidingWindow(rule.requests, `${rule.windowSeconds} s`),
      // Its own cache of blocked keys has no bound, and its timeout lets requests pass.
      ephemeralCache: false,
      timeout: 0,
      analytics: false,
    })
    made.set(rule.name, limiter)
    return limiter
  }
}

const allowanceOf = (
  rule: Rule,
  allowed: boolean,
  remaining: number,
  reset: number,
): Allowance => ({
  rule,
  allowed,
  remaining,
  resetSeconds: Math.max(1, Math.ceil((reset - Date.now()) / 1000)),
})
