/** Load from a process of its own, so that it does not wait for whoever measures. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** What a group of callers sends in a closed loop: each waits for its response before the next request. */
export type Traffic = {
  name: string
  callers: number
  method: string
  path: string
  /** One for each caller, in turn. */
  tokens?: string[]
  /** JSON. `{n}` is a number that no other request of the group has, from `first` on. */
  body?: string
  first?: number
  /** One for each caller. Replaces `{refresh_token}`, and is replaced by the one in each response. */
  refreshTokens?: string[]
}

export type Outcome = {
  name: string
  /** Complete responses within the time, by status. 0: no response. */
  statuses: Record<number, number>
  /** Responses with a status below 400 per second. */
  perSecond: number
  /** Milliseconds to the end of each response with a status below 400. */
  latencies: number[]
  /** How many `{n}` were used. */
  used: number
}

export type LoadRequest = { origin: string; seconds: number; traffic: Traffic[] }

export type Load = {
  /** Resolves when all have their last response. */
  run(request: LoadRequest): Promise<Outcome[]>
  stop(): Promise<void>
}

export function startLoad(): Load {
  const child = fork(join(import.meta.dirname, 'load-process.ts'), { execArgv: ['--no-warnings'] })
  const exited = once(child, 'exit').then(() =>
    Promise.reject(new Error('The process that generates load has ended.')),
  )
  exited.catch(() => {})
  return {
    async run(request) {
      child.send(request)
      const [outcomes] = await Promise.race([once(child, 'message'), exited])
      return outcomes
    },
    async stop() {
      child.disconnect()
      await exited.catch(() => {})
    },
  }
}
