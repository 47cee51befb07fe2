/**
 * `npm run bench:burst`: eight callers of `GET /api/users/me` beside 0, 1, 16 and 64 logins in flight, on
 * the deployed bundle in workerd. Prints the figures as a table, and whether the goals are met.
 *
 *     npm run bench:burst -- --var HASH_QUEUE_MS=0 --var LOG_LEVEL=info   variables of the Worker
 *     npm run bench:burst -- --seconds 3                                  of each phase, 8 by default
 *     npm run bench:burst -- --compare ../elsewhere                       another checkout's Worker as well
 *     npm run bench:burst -- --log                                        and all that the Worker logged
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { insertUsers, logIn, PASSWORD } from './accounts.ts'
import { buildWorker, ROOT } from './build.ts'
import { startDependencies } from './dependencies.ts'
import { type Load, type Outcome, startLoad, type Traffic } from './load.ts'
import { median, percentile } from './statistics.ts'
import { type ServedWorker, serveWorker } from './workerd.ts'

const CALLERS = 8
const IN_FLIGHT = [16, 64]

/** Each login is of another account. More than any machine can log in during a run. */
const ACCOUNTS = 20_000

type Phase = {
  name: string
  me: Outcome | undefined
  logins: Outcome | undefined
  /** Lines that the Worker logged, by event. */
  events: Record<string, number>
}

export type Burst = { phases: Phase[]; log: string[] }

/** How often each `event` was logged. */
function countEvents(lines: readonly string[]) {
  const counts: Record<string, number> = {}
  for (const line of lines) {
    const event = /"event":"(\w+)"/.exec(line)?.[1] ?? 'not JSON'
    counts[event] = (counts[event] ?? 0) + 1
  }
  return counts
}

export type BurstOptions = { worker: ServedWorker; load: Load; prefix: string; seconds: number }

/** Needs users `prefix-0` and on: see {@link insertUsers}. */
export async function measureBurst({ worker, load, prefix, seconds }: BurstOptions) {
  let next = CALLERS
  const tokens: string[] = []
  for (let n = 0; n < CALLERS; n++) {
    tokens.push((await logIn(worker.url, `${prefix}-${n}`)).access_token)
  }
  const me = { name: 'me', callers: CALLERS, method: 'GET', path: '/api/users/me', tokens }
  const logins = (callers: number): Traffic => ({
    ...{ name: 'login', callers, method: 'POST', path: '/api/users/login', first: next },
    body: JSON.stringify({ username: `${prefix}-{n}`, password: PASSWORD }),
  })
  const run = async (name: string, traffic: Traffic[], length = seconds): Promise<Phase> => {
    worker.clearLogs()
    const outcomes = await load.run({ origin: worker.url, seconds: length, traffic })
    const find = (group: string) => outcomes.find((each) => each.name === group)
    next += find('login')?.used ?? 0
    log.push(...worker.logs())
    return { name, me: find('me'), logins: find('login'), events: countEvents(worker.logs()) }
  }
  const log: string[] = []
  await run('warm-up', [me, logins(1)], Math.min(2, seconds))
  const phases = [await run('one login alone', [logins(1)]), await run('me alone', [me])]
  for (const callers of [1, ...IN_FLIGHT]) {
    phases.push(await run(`me + ${callers} in flight`, [me, logins(callers)]))
  }
  return { phases, log }
}

const fixed = (value: number | undefined, digits = 0) =>
  value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits)

const statusesOf = (outcome: Outcome | undefined) =>
  Object.entries(outcome?.statuses ?? {})
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ')

/** The phases as a Markdown table. */
export function burstTable(phases: Phase[]): string {
  const head = [
    ...['phase', 'me/s', 'p50', 'p95', 'p99', 'me by status'],
    ...['logins/s', 'p50', 'slowest', 'logins by status', 'limiter gave up', 'database gave up'],
  ]
  const rows = phases.map(({ name, me, logins, events }) => {
    const at = (outcome: Outcome | undefined, share: number) =>
      fixed(outcome && percentile(outcome.latencies, share))
    return [
      ...[name, fixed(me?.perSecond), at(me, 0.5), at(me, 0.95), at(me, 0.99), statusesOf(me)],
      ...[fixed(logins?.perSecond, 1), at(logins, 0.5), at(logins, 1), statusesOf(logins)],
      ...[events['limiter_unavailable'] ?? 0, events['database_unavailable'] ?? 0],
    ]
  })
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

export type Goal = { goal: string; value: number; limit: string; met: boolean }

const atMost = (goal: string, value: number, limit: number): Goal => ({
  ...{ goal, value, limit: `<= ${limit}`, met: value <= limit },
})

/** The goals of a burst, against one login alone. */
export function burstGoals(phases: Phase[]): Goal[] {
  const find = (name: string) => phases.find((phase) => phase.name === name)
  const alone = median(find('one login alone')?.logins?.latencies ?? [])
  const oneAtATime = find('me + 1 in flight')?.logins?.perSecond ?? Number.NaN
  return IN_FLIGHT.flatMap((callers) => {
    const { me, logins, events = {} } = find(`me + ${callers} in flight`) ?? {}
    const of = (outcome: Outcome | undefined, share: number) =>
      percentile(outcome?.latencies ?? [], share)
    const others = [me, logins].flatMap((outcome) =>
      Object.entries(outcome?.statuses ?? {}).filter(
        ([status]) => !['200', '503'].includes(status),
      ),
    )
    const goodput = (logins?.perSecond ?? Number.NaN) / oneAtATime
    const gaveUp = (events['limiter_unavailable'] ?? 0) + (events['database_unavailable'] ?? 0)
    return [
      atMost(`${callers}: p50 of me / a login alone`, of(me, 0.5) / alone, 1.5),
      atMost(`${callers}: p95 of me / a login alone`, of(me, 0.95) / alone, 3),
      {
        goal: `${callers}: goodput / one at a time`,
        value: goodput,
        limit: '>= 0.8',
        met: goodput >= 0.8,
      },
      atMost(`${callers}: slowest login (s)`, of(logins, 1) / 1000, 3),
      atMost(`${callers}: limiter or database gave up`, gaveUp, 0),
      atMost(
        `${callers}: neither 200 nor 503`,
        others.reduce((sum, [, count]) => sum + count, 0),
        0,
      ),
    ]
  })
}

export const goalTable = (goals: Goal[]) =>
  [
    '| goal | measured | limit | |',
    '| --- | --- | --- | --- |',
    ...goals.map(
      ({ goal, value, limit, met }) =>
        `| ${goal} | ${fixed(value, 2)} | ${limit} | ${met ? 'met' : 'NOT MET'} |`,
    ),
  ].join('\n')

async function main() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '8' },
      var: { type: 'string', multiple: true, default: [] },
      compare: { type: 'string' },
      log: { type: 'boolean', default: false },
    },
  })
  const extra = Object.fromEntries(
    values.var.map((each) => {
      const [name = '', ...value] = each.split('=')
      return [name, value.join('=')]
    }),
  )
  const folder = await mkdtemp(join(tmpdir(), 'burst-'))
  const dependencies = await startDependencies()
  const load = startLoad()
  try {
    const checkouts = [...(values.compare ? [values.compare] : []), ROOT]
    for (const [i, checkout] of checkouts.entries()) {
      const script = await buildWorker(join(folder, String(i)), checkout)
      const variables = { ...dependencies.variables, ...extra }
      const prefix = `burst${i}`
      await insertUsers(dependencies.database, prefix, ACCOUNTS)
      const worker = await serveWorker({ script, variables })
      const seconds = Number(values.seconds)
      const { phases, log } = await measureBurst({ worker, load, prefix, seconds }).finally(
        worker.stop,
      )
      const goals = burstGoals(phases)
      console.log(`\n${checkout} (ms)\n\n${burstTable(phases)}\n\n${goalTable(goals)}`)
      if (values.log) console.log(log.join('\n'))
      if (checkout === ROOT && !goals.every(({ met }) => met)) process.exitCode = 1
    }
  } finally {
    await load.stop()
    await dependencies.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) await main()
