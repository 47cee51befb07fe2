/** The sections of the report but distance, in Markdown, and the goals of each. */
import type { Cost, FloorCall } from '../measure/floor.ts'
import type { ListTimes } from '../measure/list.ts'
import type { Pruning, SessionTimes } from '../measure/sessions.ts'
import type { Start } from '../measure/start.ts'
import type { Wire } from '../measure/wire.ts'
import type { Goal } from './goals.ts'
import { shown, table } from './table.ts'

const FLOOR_LIMITS: Record<FloorCall, { worker: number; database?: number }> = {
  me: { worker: 1.25, database: 1.5 },
  refresh: { worker: 1.4, database: 2.5 },
  list: { worker: 1.4, database: 3 },
  health: { worker: 1.6 },
}

const ratio = (costs: Cost[], { call, variant }: Cost, key: keyof Cost & `${string}Cpu`) => {
  const find = (name: string) =>
    costs.find((each) => each.call === call && each.variant === name)?.[key] ?? Number.NaN
  return find(variant) / find('bare')
}

export const costTable = (costs: Cost[]) =>
  table(
    ['Call', 'Worker', 'responses/s', 'p50', 'p99', 'CPU', '/ bare', 'database CPU', '/ bare'],
    costs.map((cost) => [
      ...[cost.call, cost.variant, shown(cost.perSecond), shown(cost.p50), shown(cost.p99)],
      ...[shown(cost.workerCpu), shown(ratio(costs, cost, 'workerCpu'))],
      // Health makes one trip in five seconds.
      ...(cost.call === 'health'
        ? ['-', '-']
        : [shown(cost.databaseCpu), shown(ratio(costs, cost, 'databaseCpu'))]),
    ]),
  )

export const costGoals = (costs: Cost[]): Goal[] =>
  costs
    .filter(({ variant }) => variant === 'ours')
    .flatMap((cost) => {
      const { worker, database } = FLOOR_LIMITS[cost.call]
      const goal = (name: string, key: 'workerCpu' | 'databaseCpu', most: number): Goal => ({
        ...{ goal: `${cost.call}: ${name} / bare`, measured: ratio(costs, cost, key) },
        limit: { most },
      })
      return [
        goal('processor time', 'workerCpu', worker),
        ...(database ? [goal('PostgreSQL’s processor time', 'databaseCpu', database)] : []),
      ]
    })

export const wireTable = (wires: Record<string, Wire[]>) =>
  table(
    ['Call', 'Worker', 'steps', 'Redis requests', 'database requests', 'bytes out', 'bytes in'],
    Object.entries(wires).flatMap(([worker, all]) =>
      all.map((wire) => [
        ...[wire.name, worker, wire.steps, wire.redisRequests, wire.postgresRequests],
        ...[shown(wire.sentBytes), shown(wire.receivedBytes)],
      ]),
    ),
  )

/** Only beside another checkout. */
export function wireGoals({ ours = [], before }: Record<string, Wire[]>): Goal[] {
  if (!before) return []
  const more = ours.filter((wire) => {
    const earlier = before.find(({ name }) => name === wire.name)
    const grew = (key: 'steps' | 'redisRequests' | 'postgresRequests') =>
      wire[key] > (earlier?.[key] ?? 0)
    return grew('steps') || grew('redisRequests') || grew('postgresRequests')
  })
  const goal = 'calls with more steps or requests than before'
  return [{ goal, measured: more.length, limit: { most: 0 } }]
}

export const startTable = (starts: Start[]) =>
  table(
    ['Worker', 'first response, ms', 'gzip, KiB'],
    starts.map(({ name, milliseconds, gzipKib }) => [name, shown(milliseconds), shown(gzipKib)]),
  )

export function startGoals(starts: Start[]): Goal[] {
  const find = (name: string) => starts.find((each) => each.name === name)
  const added = (name: string) =>
    (find(name)?.milliseconds ?? Number.NaN) - (find('empty')?.milliseconds ?? Number.NaN)
  return [
    {
      goal: 'start: what ours adds to an empty Worker / what the bare one adds',
      measured: added('ours') / added('bare'),
      limit: { most: 2 },
    },
    {
      goal: 'gzip, KiB',
      measured: find('ours')?.gzipKib ?? Number.NaN,
      limit: { most: 185 },
    },
  ]
}

/** Each case at each size, and at the largest as a multiple of page 1. */
export function listTable(sizes: ListTimes[]): string {
  const largest = sizes.at(-1)
  return table(
    ['Page', ...sizes.map(({ users }) => users.toLocaleString('en')), '/ page 1'],
    Object.keys(largest?.times ?? {}).map((name) => [
      name,
      ...sizes.map(({ times }) => shown(times[name])),
      shown((largest?.times[name] ?? Number.NaN) / (largest?.times['page 1'] ?? Number.NaN)),
    ]),
  )
}

export const sessionTable = (times: SessionTimes[]) =>
  table(
    ['Sessions', 'me', 'refresh', 'control'],
    times.map((each) => [
      ...[shown(each.sessions), shown(each.me), shown(each.refresh), shown(each.control)],
    ]),
  )

/** As multiples of the control call. A fifth is noise. */
export function sessionGoals([few, many]: SessionTimes[]): Goal[] {
  if (!few || !many) return []
  return (['me', 'refresh'] as const).map((call) => ({
    goal: `${call} at ${shown(many.sessions)} sessions / at ${shown(few.sessions)}`,
    measured: many[call] / many.control / (few[call] / few.control),
    limit: { most: 1.2 },
  }))
}

export const pruningText = ({ rows, runs, slowestSeconds }: Pruning) =>
  `After a flood, the cron pruned ${shown(rows)} expired rows in ${runs} runs of ${shown(slowestSeconds)} s at most.`

export const pruningGoal = ({ failures }: Pruning): Goal => ({
  ...{ goal: 'runs of the cron that failed after a flood', measured: failures },
  limit: { most: 0 },
})
