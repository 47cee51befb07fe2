/** The sections of `npm run bench`. Each has its own PostgreSQL, Redis and Workers. */
import { generateSecretKey } from '../scripts/keys/generate.ts'
import { insertUsers } from './accounts.ts'
import { FLOOR_CONFIG } from './build.ts'
import { prepareCalls } from './calls.ts'
import {
  BURST_ACCOUNTS,
  burstGoals,
  burstTable,
  measureBurst,
  type Phase,
} from './measure/burst.ts'
import { type Distance, measureDistance } from './measure/distance.ts'
import { measureFloor } from './measure/floor.ts'
import { fillUsers, listAdmin, listGoals, measureList, sizesUpTo } from './measure/list.ts'
import {
  fillSessions,
  logInForSessions,
  measurePruning,
  measureSessions,
} from './measure/sessions.ts'
import { measureStart } from './measure/start.ts'
import { measureWire } from './measure/wire.ts'
import { distanceGoals, distanceTable, placementTable } from './report/distance.ts'
import { burstPlot, listPlot } from './report/plots.ts'
import * as report from './report/sections.ts'
import { shown, table } from './report/table.ts'
import { type Options, type Section, withDependencies, workersOf } from './setting.ts'

const FLOOR_USERS = 100_000
const START_TIMES = 15
const WIRE_TIMES = 5
const DISTANCE_TIMES = 15
const LIST_TIMES = 15
const FLOOD_ROWS = 100_000

/** Accepted by nobody: for Workers that queue nothing but need their cron called. */
const NO_QUEUE = '127.0.0.1:9'

const EDGE: Distance = { postgresMs: 80, redisMs: 20 }

export const floor = (options: Options): Promise<Section> =>
  withDependencies(async ({ dependencies, load, serve }) => {
    await fillUsers(dependencies.database, 0, FLOOR_USERS)
    const { variables } = dependencies
    const quiet = { ...variables, LOG_LEVEL: 'warn' }
    const workers = Object.entries(workersOf(options)).map(([name, worker]) =>
      serve({ ...worker, variables: quiet }).then((served) => ({
        ...{ name, worker: served, isBare: name === 'bare' },
      })),
    )
    const more = Object.entries({
      'ours, with its log': variables,
      'ours, with metrics': { ...quiet, METRICS_TOKEN: generateSecretKey() },
    }).map(([name, settings]) =>
      serve({ script: options.scripts.ours, variables: settings }).then((worker) => ({
        ...{ name, worker, isBare: false },
      })),
    )
    const variants = await Promise.all([...workers, ...more])
    const { rounds, seconds } = options
    const costs = await measureFloor({ dependencies, load, variants, rounds, seconds })
    const memory = variants.map(({ name, worker }) => [name, shown(worker.rssBytes() / 2 ** 20)])
    return {
      markdown: `${report.costTable(costs)}\n\n${table(['Worker', 'resident memory, MiB'], memory)}`,
      goals: report.costGoals(costs),
      data: { costs, memory },
    }
  })

export const wire = (options: Options): Promise<Section> =>
  withDependencies(async ({ dependencies, serve }) => {
    const variables = dependencies.distantVariables
    const wires: Record<string, Awaited<ReturnType<typeof measureWire>>> = {}
    for (const [name, worker] of Object.entries(workersOf(options))) {
      if (name === 'bare') continue
      const { url } = await serve({ ...worker, variables })
      const calls = await prepareCalls(url, dependencies, `wire-${name}`)
      wires[name] = await measureWire(calls, dependencies, WIRE_TIMES)
    }
    return { markdown: report.wireTable(wires), goals: report.wireGoals(wires), data: wires }
  })

export const start = (options: Options): Promise<Section> =>
  withDependencies(async ({ dependencies: { variables } }) => {
    const empty = { script: options.scripts.empty, wranglerConfig: FLOOR_CONFIG }
    const workers = Object.entries({ empty, ...workersOf(options) }).map(
      ([name, worker]) => [name, { ...worker, variables }] as const,
    )
    const starts = await measureStart(Object.fromEntries(workers), START_TIMES)
    return { markdown: report.startTable(starts), goals: report.startGoals(starts), data: starts }
  })

export const burst = (options: Options): Promise<Section> =>
  withDependencies(async ({ dependencies, load, serve }) => {
    const found: Record<string, Phase[]> = {}
    for (const [name, worker] of Object.entries(workersOf(options))) {
      if (name === 'bare') continue
      await insertUsers(dependencies.database, name, BURST_ACCOUNTS)
      const variables = { ...dependencies.variables, LOG_LEVEL: 'warn' }
      const served = await serve({ ...worker, variables })
      const { seconds } = options
      found[name] = await measureBurst({ worker: served, load, prefix: name, seconds })
    }
    const { ours = [], before } = found
    const tables = Object.entries(found).map(([name, each]) => `${name}:\n\n${burstTable(each)}`)
    return {
      ...{ markdown: tables.join('\n\n'), goals: burstGoals(ours), data: found },
      plots: { 'burst.svg': burstPlot(ours, before) },
    }
  })

export const distance = ({ scripts }: Options): Promise<Section> =>
  withDependencies(async ({ dependencies, serve }) => {
    const variables = dependencies.distantVariables
    const worker = await serve({ script: scripts.ours, variables })
    const calls = await prepareCalls(worker.url, dependencies, 'distant')
    const measure = (at: Distance) =>
      measureDistance(calls, dependencies, { distance: at, times: DISTANCE_TIMES })
    const edge = await measure(EDGE)
    const placements = {
      'at the edge': edge.timed,
      'near the database, Redis at the edge': (await measure({ postgresMs: 2, redisMs: 20 })).timed,
      'near both': (await measure({ postgresMs: 2, redisMs: 2 })).timed,
    }
    return {
      markdown: `${distanceTable(edge.timed)}\n\n${placementTable(placements, EDGE.postgresMs)}`,
      goals: distanceGoals(edge.timed),
      data: { price: edge.price, placements },
    }
  })

export const list = (options: Options): Promise<Section> =>
  withDependencies(async ({ dependencies: { database, variables }, serve }) => {
    const worker = await serve({ script: options.scripts.ours, variables, mailQueue: NO_QUEUE })
    const token = await listAdmin(database, worker)
    const sizes = []
    let filled = 0
    for (const users of sizesUpTo(options.users)) {
      await fillUsers(database, filled, users)
      filled = users
      sizes.push(await measureList(worker, { users, token, times: LIST_TIMES }))
    }
    const tokens = await logInForSessions(database, worker)
    const sessions = []
    for (const total of [Math.min(10_000, options.sessions), options.sessions]) {
      await fillSessions(database, total)
      sessions.push(await measureSessions(worker, database, { tokens, adminToken: token }))
    }
    const pruning = await measurePruning(worker, database, FLOOD_ROWS)
    const largest = sizes.at(-1)
    return {
      markdown: [
        report.listTable(sizes),
        report.sessionTable(sessions),
        report.pruningText(pruning),
      ].join('\n\n'),
      goals: [
        ...(largest ? listGoals(largest) : []),
        ...report.sessionGoals(sessions),
        report.pruningGoal(pruning),
      ],
      data: { sizes, sessions, pruning },
      plots: { 'list.svg': listPlot(sizes) },
    }
  })
