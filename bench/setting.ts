/** What the sections of `npm run bench` have in common. */
import { join } from 'node:path'
import { FLOOR_CONFIG } from './build.ts'
import { type Dependencies, startDependencies } from './dependencies.ts'
import { type Load, startLoad } from './load.ts'
import type { Goal } from './report/goals.ts'
import { type ServedWorker, serveWorker, type WorkerOptions } from './workerd.ts'

export type Options = {
  rounds: number
  seconds: number
  users: number
  sessions: number
  /** Scripts, and `before`: of another checkout. */
  scripts: { ours: string; bare: string; empty: string; before?: string }
  /** The folder of the other checkout. */
  compare: string | undefined
}

export type Section = {
  markdown: string
  goals: Goal[]
  data: unknown
  /** SVG by file name. */
  plots?: Record<string, string>
}

type Started = {
  dependencies: Dependencies
  load: Load
  serve(options: WorkerOptions): Promise<ServedWorker>
}

/** Stops all that was started, also after an error. */
export async function withDependencies<Result>(use: (started: Started) => Promise<Result>) {
  const dependencies = await startDependencies()
  const load = startLoad()
  const workers: ServedWorker[] = []
  const serve = async (options: WorkerOptions) => {
    const worker = await serveWorker({ variables: dependencies.variables, ...options })
    workers.push(worker)
    return worker
  }
  try {
    return await use({ dependencies, load, serve })
  } finally {
    for (const worker of workers) await worker.stop()
    await load.stop()
    await dependencies.stop()
  }
}

/** By name: what the scripts are started with. */
export function workersOf({ scripts, compare }: Options): Record<string, WorkerOptions> {
  const { ours, bare, before } = scripts
  return {
    ours: { script: ours },
    ...(before && compare
      ? { before: { script: before, wranglerConfig: join(compare, 'wrangler.toml') } }
      : {}),
    bare: { script: bare, wranglerConfig: FLOOR_CONFIG },
  }
}
