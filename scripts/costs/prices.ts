/**
 * List prices in US dollars a month, without taxes, as looked up on 2026-11-27 in stored copies of the
 * providers' pages. Their dates are named, because a copy may be older than the price.
 */

/**
 * Workers Paid. Workers Logs change to another price list on 2026-12-01, which could not be looked up.
 *
 * @see https://developers.cloudflare.com/workers/platform/pricing/ copy of 2026
 * @see https://developers.cloudflare.com/queues/platform/pricing/ copy of 2026
 */
export const CLOUDFLARE = {
  plan: 5,
  requests: { included: 10e6, perMillion: 0.3 },
  cpuMs: { included: 30e6, perMillion: 0.02 },
  logLines: { included: 20e6, perMillion: 0.6 },
  queueOperations: { included: 1e6, perMillion: 0.4 },
}

/** Launch. @see https://neon.com/docs/introduction/plans copy of 2026-11-12 and 2026-03-20 */
export const NEON = {
  /** A compute unit has 4 GB of memory. */
  unitHour: 0.106,
  storageGb: 0.35,
  historyGb: 0.2,
  transfer: { includedGb: 100, perGb: 0.1 },
}

/** Pay as you go, or a fixed plan. @see https://upstash.com/pricing/redis copies of 2026-09-20, 2026-11-09 */
export const UPSTASH = {
  free: { commands: 500e3 },
  per100k: 0.2,
  /** No charge for commands; up to so many GB of traffic. */
  fixed: [
    { price: 10, trafficGb: 50 },
    { price: 20, trafficGb: 100 },
    { price: 100, trafficGb: 500 },
    { price: 200, trafficGb: 1000 },
    { price: 400, trafficGb: 5000 },
    { price: 800, trafficGb: 10_000 },
  ],
}

/**
 * Free, Pro and two steps of Scale; those between could not be verified.
 *
 * @see https://resend.com/pricing by copies of 2025-08-20 and 2026-03-09 of others; the overage by
 * https://resend.com/changelog/pay-as-you-go-pricing, and its end at five times what is included by
 * https://resend.com/docs/knowledge-base/account-quotas-and-limits
 */
export const RESEND = {
  free: { emails: 3000, aDay: 100 },
  plans: [
    { price: 20, included: 50e3, most: 250e3 },
    { price: 90, included: 100e3, most: 500e3 },
    // Beyond five million a contract is needed: at this price, for want of a list.
    { price: 650, included: 1e6, most: Infinity },
  ],
  per1000: 0.9,
}
