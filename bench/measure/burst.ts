/** Eight callers of `GET /api/users/me` beside logins in flight. */
import { logIn, PASSWORD } from '../accounts.ts'
import type { Load, Outcome, Traffic } from '../load.ts'
import type { Goal } from '../report/goals.ts'
import { percentile } from '../report/statistics.ts'
import { shown, table } from '../report/table.ts'
import type { ServedWorker } from '../workerd.ts'

const CALLERS = 8
const IN_FLIGHT = [16, 64]
const WARM_UP_SECONDS = 2

/** Each login is of another account. More than any machine can log in during a run. */
export const BURST_ACCOUNTS = 20_000

export type Phase = {
  name: string
  me: Outcome | undefined
  logins: Outcome | undefined
  /** Lines that the Worker logged, by event. */
  events: Record<string, number>
}

/** How often each `event` was logged. */
function countEvents(lines: readonly string[]) {
  const counts: Record<string, number> = {}
  for (const line of lines) {
    const event = /"event":"(\w+)"/.exec(line)?.[1] ?? 'not JSON'
    counts[event] = (counts[event] ?? 0) + 1
  }
  return counts
}

export type BurstOptions = {
  worker: ServedWorker
  load: Load
  /** There are {@link BURST_ACCOUNTS} users `prefix-0`, `prefix-1`, …. */
  prefix: string
  /** Of each phase. */
  seconds: number
  /** What the Worker logged in each phase. */
  onLog?: (lines: readonly string[]) => void
}

export async function measureBurst(options: BurstOptions): Promise<Phase[]> {
  const { worker, load, prefix, seconds, onLog = () => {} } = options
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
    onLog(worker.logs())
    return { name, me: find('me'), logins: find('login'), events: countEvents(worker.logs()) }
  }
  await run('warm-up', [me, logins(1)], WARM_UP_SECONDS)
  const phases = [await run('one login alone', [logins(1)]), await run('me alone', [me])]
  for (const callers of [1, ...IN_FLIGHT]) {
    phases.push(await run(`me + ${callers} in flight`, [me, logins(callers)]))
  }
  return phases
}

const at = (outcome: Outcome | undefined, share: number) =>
  percentile(outcome?.latencies ?? [], share)

const statusesOf = (outcome: Outcome | undefined) =>
  Object.entries(outcome?.statuses ?? {})
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ')

export const burstTable = (phases: Phase[]) =>
  table(
    [
      ...['Phase', 'me/s', 'p50', 'p95', 'p99', 'by status'],
      ...['logins/s', 'p50', 'slowest', 'by status', 'limiter gave up', 'database gave up'],
    ],
    phases.map(({ name, me, logins, events }) => [
      ...[name, shown(me?.perSecond), shown(at(me, 0.5)), shown(at(me, 0.95)), shown(at(me, 0.99))],
      ...[statusesOf(me), shown(logins?.perSecond), shown(at(logins, 0.5)), shown(at(logins, 1))],
      ...[statusesOf(logins), events['limiter_unavailable'] ?? 0],
      events['database_unavailable'] ?? 0,
    ]),
  )

/** Against one login alone, and one at a time beside `me`. */
export function burstGoals(phases: Phase[]): Goal[] {
  const find = (name: string) => phases.find((phase) => phase.name === name)
  const alone = at(find('one login alone')?.logins, 0.5)
  const oneAtATime = find('me + 1 in flight')?.logins?.perSecond ?? Number.NaN
  return IN_FLIGHT.flatMap((callers): Goal[] => {
    const { me, logins, events = {} } = find(`me + ${callers} in flight`) ?? {}
    const others = [me, logins]
      .flatMap((outcome) => Object.entries(outcome?.statuses ?? {}))
      .filter(([status]) => status !== '200' && status !== '503')
      .reduce((sum, [, count]) => sum + count, 0)
    const gaveUp = (events['limiter_unavailable'] ?? 0) + (events['database_unavailable'] ?? 0)
    const goals: [string, number, Goal['limit']][] = [
      ['p50 of me / a login alone', at(me, 0.5) / alone, { most: 1.5 }],
      ['p95 of me / a login alone', at(me, 0.95) / alone, { most: 3 }],
      ['logins a second / one at a time', (logins?.perSecond ?? 0) / oneAtATime, { least: 0.8 }],
      ['slowest login, seconds', at(logins, 1) / 1000, { most: 3 }],
      ['limiter or database gave up', gaveUp, { most: 0 }],
      ['responses other than 200 and 503', others, { most: 0 }],
    ]
    return goals.map(([goal, measured, limit]) => ({
      ...{ goal: `${callers} logins in flight: ${goal}`, measured, limit },
    }))
  })
}
