/** What a number of users costs a month: the arithmetic of the tables in docs/deployment.md. */
import { CLOUDFLARE, NEON, RESEND, UPSTASH } from './prices.ts'

const DAY_SECONDS = 24 * 60 * 60
const MONTH_SECONDS = 730 * 60 * 60
const GB = 1e9

/** What people do, and what is set. Each is an assumption: yours are other ones. */
export const ASSUMED = {
  users: 100_000,
  /** Of the users, in a month. */
  active: 0.4,
  /** Of an active user in a month, each of 45 minutes. */
  visits: 12,
  visitMinutes: 45,
  /** `GET me` in a visit. A backend that asks for each of its own requests makes many more. */
  meCalls: 3,
  /** Of an active user in a month; a session lasts 30 days at most, 7 without use. */
  logins: 2,
  /** For each that succeeds. */
  failedLogins: 0.3,
  registrations: 0.02,
  resets: 0.01,
  passwordChanges: 0.005,
  /** Of the requests of a browser, OPTIONS is remembered for a while. */
  preflights: 2,
  /** Each rule is counted for the /48 too. */
  ipv6: 0.5,
  accessMinutes: 15,
  bcryptCost: 10,
  auditDays: 365,
  historyDays: 7,
  /** `request` is an info line. */
  logsRequests: true,
  hasMetrics: true,
}

export type Assumed = typeof ASSUMED

/** Measured on two cores: docs/performance.md, "Beside the bare Worker" and "A burst of logins". */
const HASH_MS_AT_10 = 65
const CPU_MS = { me: 0.46, refresh: 0.66, preflight: 0.07, other: 1, mail: 1, cron: 5 }
const SQL_MS = { me: 0.2, refresh: 0.33, write: 0.7, cron: 20, scrape: 5 }

/** Bytes of a row with its indexes, of 100,000 rows of PostgreSQL 18. */
const ROW_BYTES = { user: 556, session: 283, network: 108, audit: 220 }

/** EVALSHA, GET, GET, INCR: Upstash counts what a script runs. */
const COMMANDS_PER_RULE = 4
const REDIS_BYTES_PER_REQUEST = 700
const SQL_BYTES_PER_STATEMENT = 1000
const WAL_BYTES_PER_WRITE = 1000
const QUEUE_OPERATIONS_PER_MESSAGE = 3

/** The busiest hour, and day, has so much of the average, and a database should be half idle then. */
const PEAK = 3
const SQL_UTILIZATION = 0.5
const UNIT_BYTES = 4 * GB
const UNIT_STEP = 0.25
const REQUESTS_PER_ISOLATE = 20

const CRON_RUNS = MONTH_SECONDS / (5 * 60)
const SCRAPES = MONTH_SECONDS / 15
const FLUSHES_PER_ISOLATE = MONTH_SECONDS / 10
const COMMANDS_PER_FOLD = 7

type Call = {
  count: number
  /** Password hashes: made or compared. */
  hashes?: number
  cpuMs: number
  rules?: number
  sqlMs?: number
  writes?: boolean
  /** Log lines beside that of the request, and lines of the audit trail. */
  events?: number
  mails?: number
}

/** The calls of a month. Rules and statements are those of test/steps.test.ts. */
function callsOf(assumed: Assumed): Call[] {
  const active = assumed.users * assumed.active
  const visits = active * assumed.visits
  const logins = active * assumed.logins
  const write = { rules: 2, sqlMs: SQL_MS.write, writes: true, events: 1, cpuMs: CPU_MS.other }
  const refreshes = Math.ceil(assumed.visitMinutes / assumed.accessMinutes)
  return [
    { count: visits * assumed.meCalls, cpuMs: CPU_MS.me, rules: 1, sqlMs: SQL_MS.me },
    {
      ...{ count: visits * refreshes, cpuMs: CPU_MS.refresh, rules: 2 },
      ...{ sqlMs: SQL_MS.refresh, writes: true },
    },
    { count: visits * assumed.preflights, cpuMs: CPU_MS.preflight },
    { ...write, count: logins, hashes: 1 },
    { ...write, count: logins * assumed.failedLogins, hashes: 1 },
    { ...write, count: assumed.users * assumed.registrations, hashes: 1, mails: 1 },
    // Request, check and reset; the link, and the notice that the password has changed.
    { ...write, count: active * assumed.resets, rules: 5, hashes: 1, mails: 2 },
    { ...write, count: active * assumed.passwordChanges, hashes: 2, mails: 1 },
  ]
}

export type Costs = ReturnType<typeof costsOf>

export function costsOf(assumed: Assumed) {
  const calls = callsOf(assumed)
  const sum = (of: (call: Call) => number) =>
    calls.reduce((total, call) => total + call.count * of(call), 0)

  const requests = sum(() => 1)
  const hashCpuMs = sum(({ hashes = 0 }) => hashes) * HASH_MS_AT_10 * 2 ** (assumed.bcryptCost - 10)
  const mails = sum(({ mails = 0 }) => mails)
  const cpuMs =
    hashCpuMs + sum(({ cpuMs }) => cpuMs) + mails * CPU_MS.mail + CRON_RUNS * CPU_MS.cron
  const events = sum(({ events = 0 }) => events)
  const logLines = (assumed.logsRequests ? requests : 0) + events + mails + CRON_RUNS

  const rules = sum(({ rules = 0 }) => rules) * (1 + assumed.ipv6)
  const isolates = Math.ceil(((requests / MONTH_SECONDS) * PEAK) / REQUESTS_PER_ISOLATE)
  const flushes = Math.min(requests, isolates * FLUSHES_PER_ISOLATE)
  const metricsCommands = assumed.hasMetrics ? flushes + SCRAPES + CRON_RUNS * COMMANDS_PER_FOLD : 0
  const redisCommands = rules * COMMANDS_PER_RULE + metricsCommands
  const redisGb = (sum(({ rules }) => (rules ? 1 : 0)) * REDIS_BYTES_PER_REQUEST) / GB

  const scrapesMs = assumed.hasMetrics ? SCRAPES * SQL_MS.scrape : 0
  const sqlMs = sum(({ sqlMs = 0 }) => sqlMs) + CRON_RUNS * SQL_MS.cron + scrapesMs
  const active = assumed.users * assumed.active
  const hotBytes = active * (ROW_BYTES.user + ROW_BYTES.session + ROW_BYTES.network)
  const auditRows = (events * assumed.auditDays * DAY_SECONDS) / MONTH_SECONDS
  const databaseGb =
    (assumed.users * ROW_BYTES.user +
      active * (2 * ROW_BYTES.session + 2 * ROW_BYTES.network) +
      auditRows * ROW_BYTES.audit) /
    GB
  const computeUnits = Math.max(
    UNIT_STEP,
    roundUp((sqlMs / 1000 / MONTH_SECONDS) * (PEAK / SQL_UTILIZATION)),
    roundUp(hotBytes / UNIT_BYTES),
  )
  const writes = sum(({ writes }) => (writes ? 1 : 0))
  const historyGb =
    (((writes * WAL_BYTES_PER_WRITE) / GB) * assumed.historyDays * DAY_SECONDS) / MONTH_SECONDS
  const transferGb = (sum(({ sqlMs }) => (sqlMs ? 1 : 0)) * SQL_BYTES_PER_STATEMENT) / GB

  const queueOperations = mails * QUEUE_OPERATIONS_PER_MESSAGE
  const price = {
    cloudflare:
      CLOUDFLARE.plan +
      beyond(requests, CLOUDFLARE.requests) +
      beyond(cpuMs, CLOUDFLARE.cpuMs) +
      beyond(logLines, CLOUDFLARE.logLines) +
      beyond(queueOperations, CLOUDFLARE.queueOperations),
    // The cron runs every five minutes, so the compute is never suspended.
    neon:
      computeUnits * NEON.unitHour * (MONTH_SECONDS / 3600) +
      databaseGb * NEON.storageGb +
      historyGb * NEON.historyGb +
      Math.max(0, transferGb - NEON.transfer.includedGb) * NEON.transfer.perGb,
    upstash: upstashPrice(redisCommands, redisGb),
    resend: resendPrice(mails),
  }
  return {
    ...{ requests, hashCpuMs, cpuMs, redisCommands, metricsCommands, redisGb, sqlMs },
    ...{ computeUnits, databaseGb, mails, queueOperations, logLines, price },
    total: Object.values(price).reduce((total, each) => total + each),
  }
}

const roundUp = (units: number) => Math.ceil(units / UNIT_STEP) * UNIT_STEP

const beyond = (used: number, { included, perMillion }: { included: number; perMillion: number }) =>
  (Math.max(0, used - included) / 1e6) * perMillion

/** The cheapest plan: of the fixed ones, the smallest with enough traffic. */
function upstashPrice(commands: number, trafficGb: number): number {
  if (commands <= UPSTASH.free.commands) return 0
  const fixed = UPSTASH.fixed.find((plan) => plan.trafficGb >= trafficGb)?.price ?? Infinity
  return Math.min(fixed, (commands / 100e3) * UPSTASH.per100k)
}

/** Free if the busiest day is, too; or else the cheapest plan that sends so many. */
function resendPrice(mails: number): number {
  const { free, plans, per1000 } = RESEND
  const busiestDay = (mails / (MONTH_SECONDS / DAY_SECONDS)) * PEAK
  if (mails <= free.emails && busiestDay <= free.aDay) return 0
  const prices = plans
    .filter(({ most }) => mails <= most)
    .map(({ price, included }) => price + Math.ceil(Math.max(0, mails - included) / 1000) * per1000)
  return Math.min(...prices)
}
