/** What `npm run bench` compares with each other, in turn. */
import type { Dependencies } from '../dependencies.ts'
import type { Load } from '../load.ts'
import type { ServedWorker } from '../workerd.ts'

/** A Worker under test. `ours` speaks our refresh tokens, `bare` its own. */
export type Variant = { name: string; worker: ServedWorker; isBare: boolean }

export type Bench = {
  dependencies: Dependencies
  load: Load
  variants: Variant[]
  /** Of each measurement, how often and how long (seconds). */
  rounds: number
  seconds: number
}
