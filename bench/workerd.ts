/** What is measured of a Worker in workerd: the process, from proc(5). */
import {
  type RunningWorkerd,
  startWorkerd,
  type WorkerdOptions,
} from '../scripts/standalone/workerd.ts'
import { cpuSecondsOf, rssBytesOf } from './process-usage.ts'

export type WorkerOptions = WorkerdOptions

export type ServedWorker = RunningWorkerd & {
  /** Processor time that the process has used. */
  cpuSeconds(): number
  /** Resident memory. */
  rssBytes(): number
}

/** Starts workerd, and waits until it listens: the script is evaluated by then. @throws with its output */
export async function serveWorker(options: WorkerOptions): Promise<ServedWorker> {
  const worker = await startWorkerd(options)
  const { pid } = worker
  return { ...worker, cpuSeconds: () => cpuSecondsOf(pid), rssBytes: () => rssBytesOf(pid) }
}
