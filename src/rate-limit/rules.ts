import type { Rule } from './limiter.ts'

const MINUTES = 60
export const HOUR = 60 * MINUTES

/**
 * What a rule does during an outage of Redis: go on under the platform's own limiters, the strict one or
 * that of the quota alone, or reject.
 */
type DuringOutage = 'strict' | 'quota' | 'reject'

type NamedRule = Omit<Rule, 'name'> & { duringOutage: DuringOutage }

/**
 * The stricter limits, per address. A limit that protects an installation from takeover, or strangers
 * from mail, rejects during an outage of Redis; the others would turn it into an outage of their own.
 */
export const RULES = {
  /** An office behind one address logs in on Monday morning; a guesser gets 120 an hour. */
  login: { requests: 30, windowSeconds: 15 * MINUTES, duringOutage: 'strict' },
  'admin-login': { requests: 10, windowSeconds: 15 * MINUTES, duringOutage: 'strict' },
  /** 409 reveals that a name is taken, so attempts are few. */
  register: { requests: 20, windowSeconds: HOUR, duringOutage: 'strict' },
  /** A changed username or email is 409 when it is taken, as at registration. */
  profile: { requests: 20, windowSeconds: HOUR, duringOutage: 'strict' },
  'admin-register': { requests: 10, windowSeconds: HOUR, duringOutage: 'reject' },
  /** One client refreshes four times an hour. */
  refresh: { requests: 100, windowSeconds: 15 * MINUTES, duringOutage: 'quota' },
  'forgot-password': { requests: 10, windowSeconds: HOUR, duringOutage: 'reject' },
  'reset-password': { requests: 20, windowSeconds: HOUR, duringOutage: 'strict' },
  'change-password': { requests: 20, windowSeconds: 15 * MINUTES, duringOutage: 'strict' },
  /** It reads all there is of an account, and a person needs it once. */
  export: { requests: 10, windowSeconds: HOUR, duringOutage: 'strict' },
  'test-email': { requests: 10, windowSeconds: HOUR, duringOutage: 'reject' },
} as const satisfies Record<string, NamedRule>

export type RuleName = keyof typeof RULES

/**
 * How much more than one address the /48 around it may spend: whoever has one would otherwise have each
 * rule 65,536 times. Eight is what the smallest block of IPv4 on sale, a /29, gives an attacker; a company,
 * or the strangers whom a provider puts into one /48, have eight times what one address of IPv4 has for
 * all who share it.
 */
const SITE_FACTOR = 8

/** A rule that allows several times as much. */
export const times = (factor: number, { name, requests, windowSeconds }: Rule): Rule => ({
  name,
  requests: requests * factor,
  windowSeconds,
})

/** A rule for the /48. */
export const forSite = (rule: Rule): Rule => ({
  ...times(SITE_FACTOR, rule),
  name: `${rule.name}-48`,
})
