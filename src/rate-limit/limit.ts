import type { Context } from 'hono'
import { type Allowance, LimiterUnavailable, type Rule } from './limiter.ts'
import type { AppEnv } from '../context.ts'
import { ApiError, unavailable } from '../errors.ts'
import { log } from '../log.ts'
import { clientAddress } from './client-address.ts'

const MINUTES = 60
const HOUR = 60 * MINUTES

/** What a rule does while Redis is away: go on under the platform's own limiter, or refuse. */
type WhenAway = 'platform' | 'refuse'

type NamedRule = Omit<Rule, 'name'> & { whenAway: WhenAway }

/**
 * The stricter limits, per address. A limit that stands before a takeover of an installation or
 * before mails to strangers refuses while Redis is away; the others would make an outage of it.
 */
const RULES = {
  /** An office behind one address logs in on Monday morning; a guesser gets 120 an hour. */
  login: { requests: 30, windowSeconds: 15 * MINUTES, whenAway: 'platform' },
  'admin-login': { requests: 10, windowSeconds: 15 * MINUTES, whenAway: 'refuse' },
  /** 409 tells that a name is taken, so asking is dear. */
  register: { requests: 20, windowSeconds: HOUR, whenAway: 'platform' },
  'admin-register': { requests: 10, windowSeconds: HOUR, whenAway: 'refuse' },
  /** One client refreshes four times an hour. */
  refresh: { requests: 100, windowSeconds: 15 * MINUTES, whenAway: 'platform' },
  'forgot-password': { requests: 10, windowSeconds: HOUR, whenAway: 'refuse' },
  'reset-password': { requests: 20, windowSeconds: HOUR, whenAway: 'platform' },
  'change-password': { requests: 20, windowSeconds: 15 * MINUTES, whenAway: 'platform' },
  'test-email': { requests: 10, windowSeconds: HOUR, whenAway: 'refuse' },
} as const satisfies Record<string, NamedRule>

export type RuleName = keyof typeof RULES

/**
 * Spends one request of the caller's address: of the quota over the whole API and, if named, of a
 * stricter rule, side by side. Sets the RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10).
 *
 * @throws {ApiError} 429, or 503 where the rule refuses without Redis
 */
export async function limit(c: Context<AppEnv>, name?: RuleName): Promise<void> {
  refuseBlocked(c, name)
  return spend(c, name)
}

/**
 * A read beside the limiter: one step instead of two. The limiter's word comes first; when it
 * refuses, what was read is thrown away, but a try that the same statement counted stays counted. For
 * an address known to be blocked nothing is asked.
 *
 * @throws {ApiError} as {@link limit}, or what the read throws
 */
export async function beside<Answer>(
  c: Context<AppEnv>,
  read: () => Promise<Answer>,
  name?: RuleName,
): Promise<Answer> {
  refuseBlocked(c, name)
  const [verdict, answer] = await Promise.allSettled([spend(c, name), read()])
  if (verdict.status === 'rejected') throw verdict.reason
  if (answer.status === 'rejected') throw answer.reason
  return answer.value
}

/** The rules of a request, and whom they count. */
function rulesOf(c: Context<AppEnv>, name: RuleName | undefined) {
  const quota = { name: 'api', requests: c.var.config.requestsPerHour, windowSeconds: HOUR }
  const rules: Rule[] = name ? [quota, { name, ...RULES[name] }] : [quota]
  return { rules, key: clientAddress(c.req.header('CF-Connecting-IP')).limitKey }
}

/** What this isolate remembers needs no trip. */
function refuseBlocked(c: Context<AppEnv>, name: RuleName | undefined) {
  const { rules, key } = rulesOf(c, name)
  refuseIfSpent(
    c,
    rules.map((rule) => c.var.limiter.blocked(rule, key)).filter((each) => each !== undefined),
  )
}

async function spend(c: Context<AppEnv>, name: RuleName | undefined) {
  const { rules, key } = rulesOf(c, name)
  try {
    refuseIfSpent(c, await Promise.all(rules.map((rule) => c.var.limiter.spend(rule, key))))
  } catch (error) {
    if (!(error instanceof LimiterUnavailable)) throw error
    log(c, 'warn', 'limiter_unavailable')
    await limitByPlatform(c, name, key)
  }
}

function refuseIfSpent(c: Context<AppEnv>, allowances: Allowance[]) {
  if (allowances.length > 0) setHeaders(c, allowances)
  const refused = allowances.filter(({ allowed }) => !allowed)
  if (refused.length > 0) throw tooMany(Math.max(...refused.map((each) => each.resetSeconds)))
}

/** 429. The wait is the longest of the rules that refused. */
export const tooMany = (retryAfterSeconds: number) =>
  new ApiError('RateLimitError', 'Too many requests, please try again later', {
    headers: { 'Retry-After': String(retryAfterSeconds) },
    details: { retry_after: retryAfterSeconds },
  })

/** Seconds of the window of the `ratelimits` binding in wrangler.toml. */
const PLATFORM_WINDOW = 60

async function limitByPlatform(c: Context<AppEnv>, name: RuleName | undefined, key: string) {
  if (name && RULES[name].whenAway === 'refuse') {
    throw unavailable('This is not available right now, please try again')
  }
  const { success } = await c.env.FALLBACK_LIMITER.limit({ key: `${name ?? 'api'}:${key}` })
  if (!success) throw tooMany(PLATFORM_WINDOW)
}

function setHeaders(c: Context<AppEnv>, allowances: Allowance[]) {
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
