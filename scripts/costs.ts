// `npm run costs`: what a number of users costs a month, as in docs/deployment.md.
import { runCommand } from './command-line.ts'
import { ASSUMED, type Assumed, type Costs, costsOf } from './costs/model.ts'

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const EXACT = new Intl.NumberFormat('en')

const amount = (value: number) => COMPACT.format(value).replace(/(\d)([KMBT])$/, '$1 $2')
const dollars = (value: number) => `$${EXACT.format(Math.round(value))}`

type Row = [name: string, value: (costs: Costs) => string]

const USED: Row[] = [
  ['requests', ({ requests }) => amount(requests)],
  ['CPU, seconds', ({ cpuMs }) => amount(cpuMs / 1000)],
  ['of these, passwords', ({ hashCpuMs, cpuMs }) => `${Math.round((hashCpuMs / cpuMs) * 100)} %`],
  ['Redis commands', ({ redisCommands }) => amount(redisCommands)],
  ['of these, metrics', ({ metricsCommands }) => amount(metricsCommands)],
  ['database CPU, seconds', ({ sqlMs }) => amount(sqlMs / 1000)],
  ['compute units', ({ computeUnits }) => String(computeUnits)],
  ['database, GB', ({ databaseGb }) => amount(databaseGb)],
  ['emails', ({ mails }) => amount(mails)],
  ['queue operations', ({ queueOperations }) => amount(queueOperations)],
  ['log lines', ({ logLines }) => amount(logLines)],
]

const PAID: Row[] = [
  ['Cloudflare', ({ price }) => dollars(price.cloudflare)],
  ['Neon', ({ price }) => dollars(price.neon)],
  ['Upstash', ({ price }) => dollars(price.upstash)],
  ['Resend', ({ price }) => dollars(price.resend)],
  ['**together**', ({ total }) => `**${dollars(total)}**`],
]

const line = (cells: string[]) => `| ${cells.join(' | ')} |`

/** What is used and paid in a month, a column for each number of users. */
export function costTable(users: readonly number[], changed: Partial<Assumed> = {}): string {
  const costs = users.map((each) => costsOf({ ...ASSUMED, ...changed, users: each }))
  return [
    line(['A month', ...users.map((each) => `${EXACT.format(each)} users`)]),
    line(['---', ...users.map(() => '---:')]),
    ...[...USED, ...PAID].map(([name, value]) => line([name, ...costs.map(value)])),
  ].join('\n')
}

const KNOBS: readonly [name: string, changed: Partial<Assumed>][] = [
  ['`BCRYPT_COST=12` instead of 10', { bcryptCost: 12 }],
  ['`ACCESS_TOKEN_EXPIRE_MINUTES=60` instead of 15', { accessMinutes: 60 }],
  ['your backend asks `GET me` at each of its requests, 60 in a visit', { meCalls: 60 }],
  ['`LOG_LEVEL=warn`: no line for each request', { logsRequests: false }],
  ['`AUDIT_RETENTION_DAYS=90` instead of 365', { auditDays: 90 }],
  ['Neon restores 1 day back instead of 7', { historyDays: 1 }],
  ['no `METRICS_TOKEN`', { hasMetrics: false }],
]

/** What each setting changes, in dollars a month. */
export function knobTable(users: readonly number[]): string {
  const difference = (each: number, changed: Partial<Assumed>) => {
    const before = costsOf({ ...ASSUMED, users: each }).total
    const by = Math.round(costsOf({ ...ASSUMED, ...changed, users: each }).total - before)
    return by === 0 ? '-' : `${by < 0 ? '−' : '+'}${dollars(Math.abs(by))}`
  }
  return [
    line(['Setting', ...users.map((each) => `${EXACT.format(each)} users`)]),
    line(['---', ...users.map(() => '---:')]),
    ...KNOBS.map(([name, changed]) =>
      line([name, ...users.map((each) => difference(each, changed))]),
    ),
  ].join('\n')
}

/** The columns of docs/deployment.md. */
export const USERS = [1000, 100_000, 10_000_000] as const

if (import.meta.main) {
  await runCommand(
    {
      name: 'npm run costs',
      about: `What a number of users uses and costs in a month, by list prices, and what settings change. Assumptions are
in scripts/costs/model.ts, prices with their sources in scripts/costs/prices.ts.`,
      options: {
        users: {
          type: 'string',
          multiple: true,
          value: '<count>',
          about: 'users, several times',
          least: 1,
        },
      },
    },
    ({ values: { users } }) => {
      const columns = users?.map(Number) ?? USERS
      console.log(`${costTable(columns)}\n\n${knobTable(columns)}`)
    },
  )
}
