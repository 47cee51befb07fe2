import type { RequestContext } from '../context.ts'
import { defineError, serviceUnavailable } from '../errors.ts'
import { log } from '../log.ts'
import { RedisUnavailable } from '../redis.ts'
import { clientAddress } from './client-address.ts'
import type { Allowance, Limit } from './limiter.ts'
import { forSite, HOUR, RULES, type RuleName, times } from './rules.ts'

/**
 * Spends one request of the caller's address: of the quota over the whole API and, if named, of a
 * stricter rule, side by side; for IPv6 also of the wider rules for the /48. Sets the RateLimit headers
 * (draft-ietf-httpapi-ratelimit-headers-10).
 *
 * @throws {ApiError} 429, or 503 where the rule rejects without Redis
 */
export async function rateLimit(c: RequestContext, name?: RuleName): Promise<void> {
  rejectBlocked(c, name)
  return spend(c, name)
}

/**
 * A read with the limiter at the same time: one step instead of two. The limiter decides first; when
 * it rejects, what was read is discarded, but an attempt that the same statement counted stays
 * counted. For an address known to be blocked nothing is read.
 *
 * @throws {ApiError} as {@link rateLimit}, or what the read throws
 */
export async function withRateLimit<Result>(
  c: RequestContext,
  read: () => Promise<Result>,
  name?: RuleName,
): Promise<Result> {
  rejectBlocked(c, name)
  const [spent, result] = await Promise.allSettled([spend(c, name), read()])
  if (spent.status === 'rejected') throw spent.reason
  if (result.status === 'rejected') throw result.reason
  return result.value
}

const callerOf = (c: RequestContext) => clientAddress(c.req.header('CF-Connecting-IP'))

/** The limits of a request. */
function limitsOf(c: RequestContext, name: RuleName | undefined): Limit[] {
  const { limitKey, siteKey } = callerOf(c)
  const { requestsPerHour, rateLimitFactor } = c.var.config
  const quota = { name: 'api', requests: requestsPerHour, windowSeconds: HOUR }
  const rules = [quota, ...(name ? [{ name, ...RULES[name] }] : [])].map((rule) =>
    times(rateLimitFactor, rule),
  )
  const limits = rules.map((rule) => ({ rule, key: limitKey }))
  if (siteKey === null) return limits
  return [...limits, ...rules.map((rule) => ({ rule: forSite(rule), key: siteKey }))]
}

/** What this isolate remembers needs no network call. */
function rejectBlocked(c: RequestContext, name: RuleName | undefined) {
  const remembered = limitsOf(c, name).map((limit) => c.var.limiter.blocked(limit))
  rejectIfSpent(
    c,
    remembered.filter((each) => each !== undefined),
  )
}

async function spend(c: RequestContext, name: RuleName | undefined) {
  try {
    rejectIfSpent(c, await c.var.limiter.spend(limitsOf(c, name)))
  } catch (error) {
    if (!(error instanceof RedisUnavailable)) throw error
    log(c, 'warn', 'limiter_unavailable')
    await limitByPlatform(c, name)
  }
}

function rejectIfSpent(c: RequestContext, allowances: Allowance[]) {
  if (allowances.length > 0) setHeaders(c, allowances)
  const spent = allowances.filter(({ allowed }) => !allowed)
  if (spent.length > 0) throw tooMany(Math.max(...spent.map((each) => each.resetSeconds)))
}

export const tooManyRequests = defineError(
  'RateLimitError',
  'Too many requests, please try again later',
)

/** 429. The wait is the longest of the rules that reject. */
export const tooMany = (retryAfterSeconds: number) =>
  tooManyRequests({
    headers: { 'Retry-After': String(retryAfterSeconds) },
    details: { retry_after: retryAfterSeconds },
  })

/** Seconds of the windows of the `ratelimits` bindings in wrangler.toml. */
const PLATFORM_WINDOW = 60

/**
 * During an outage of Redis, two limiters of Cloudflare's: one as generous as the quota, one strict. A
 * binding has one number, so the strict one counts the /48 in place of the /64: what it guards is open to
 * strangers, while the quota alone is spent by those who have an account. With a factor of its own a
 * development environment has none: they don't multiply, and would reject who has not spent the rules.
 */
async function limitByPlatform(c: RequestContext, name: RuleName | undefined) {
  const { limitKey, siteKey } = callerOf(c)
  const duringOutage = name ? RULES[name].duringOutage : 'quota'
  if (duringOutage === 'reject') throw serviceUnavailable()
  if (c.var.config.rateLimitFactor > 1) return
  const outcomes = await Promise.all([
    c.env.FALLBACK_QUOTA.limit({ key: limitKey }),
    ...(duringOutage === 'strict'
      ? [c.env.FALLBACK_LIMITER.limit({ key: `${name}:${siteKey ?? limitKey}` })]
      : []),
  ])
  if (outcomes.some(({ success }) => !success)) throw tooMany(PLATFORM_WINDOW)
}

function setHeaders(c: RequestContext, allowances: Allowance[]) {
  const list = (item: (allowance: Allowance) => string) =>
    allowances.map((each) => `"${each.rule.name}";${item(each)}`).join(', ')
  c.header(
    'RateLimit-Policy',
    list(({ rule }) => `q=${rule.requests};w=${rule.windowSeconds}`),
  )
  c.header(
    'RateLimit',
    list((each) => `r=${each.remaining};t=${each.resetSeconds}`),
  )
}
