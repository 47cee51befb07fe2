import { prettyLine } from '../pretty-log.ts'
import { untilReady } from './health.ts'
import { PARTS, type Part, type Place, type RunningPart } from './parts.ts'
import { keepRunningService } from './running.ts'
import { welcome } from './welcome.ts'
import { startWorker } from './worker.ts'

/** Of this program's own checks, in the log of requests. */
const HEALTH_CHECK = /"route":"\/health(?:\/live)?"/
const BUILD_FAILED = /Build failed with \d+ error/

export interface Service {
  /** The variables of .dev.vars that it runs with. Undefined: it does not run. */
  runsWith(): Map<string, string> | undefined
  /** Starts all parts and the Worker; once they run, only the Worker, and the parts that read `changed`. */
  start(custom: Map<string, string>, changed: readonly string[]): Promise<void>
}

function useColor(): boolean {
  const { NO_COLOR } = process.env // https://no-color.org
  return process.stdout.isTTY === true && !NO_COLOR
}

/** @param local variables of the Worker that .dev.vars may override, beside those of the parts */
export function createService(place: Place, local: Record<string, string>): Service {
  const { folder, ports, stops, say } = place
  const url = `http://127.0.0.1:${ports.worker}`
  const parts = new Map<Part, RunningPart>()
  let runsWith: Map<string, string> | undefined
  let stopWorker = async () => {}
  let announcing = new AbortController()

  function onLine(line: string) {
    if (HEALTH_CHECK.test(line)) return
    if (BUILD_FAILED.test(line)) say('The source does not build. Requests wait until it does:')
    const pretty = prettyLine(line, useColor())
    if (pretty !== undefined) say(pretty)
  }

  /** Says that the service is ready once it is, and until then why it is not. */
  async function announce(message: string) {
    announcing = new AbortController()
    const reasons = await untilReady(url, {
      signal: announcing.signal,
      async problem() {
        const problems = PARTS.map((part) => parts.get(part)?.problem?.())
        return (await Promise.all(problems)).find((problem) => problem !== undefined)
      },
      onWait: (reasons) => say(`\nNot ready. ${reasons.join('\n')}\n`),
    })
    if (reasons !== undefined && !stops.begun()) say([message, ...reasons].join('\n'))
  }

  return {
    runsWith: () => runsWith,
    async start(custom, changed) {
      announcing.abort()
      await stopWorker()
      const affected = PARTS.filter(
        (part) => !parts.has(part) || part.reads.some((name) => changed.includes(name)),
      )
      for (const part of affected) {
        await parts.get(part)?.stop()
        parts.set(part, await part.start(place, custom))
      }
      if (runsWith === undefined) say('Starting the Worker …')
      const variables = Object.assign(
        { ...local },
        ...PARTS.map((part) => parts.get(part)?.variables),
        Object.fromEntries(custom),
      )
      const worker = await startWorker({
        ...{ folder, port: ports.worker, livePath: '/health/live', variables, onLine },
      })
      const forget = keepRunningService(folder, { url, variables })
      const stop = () => {
        forget()
        return worker.stop()
      }
      stopWorker = stops.add(stop, { name: 'The Worker', ended: worker.ended })
      runsWith = custom
      const addresses = Object.assign(
        { worker: url, frontend: local['FRONTEND_URL'] },
        ...PARTS.map((part) => parts.get(part)?.addresses),
      )
      void announce(
        affected.length > 0
          ? welcome(addresses, useColor())
          : 'Ready: the service runs with the new configuration.',
      )
    },
  }
}
