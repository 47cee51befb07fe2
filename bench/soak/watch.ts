/** The Worker's log and memory while it runs. */
import { median } from '../report/statistics.ts'
import type { ServedWorker } from '../workerd.ts'
import { CANARY } from './client.ts'

const SAMPLE_MS = 1_000

/** What no log line may contain. Addresses are all of the canary network. */
const SECRETS: Record<string, RegExp> = {
  password: new RegExp(CANARY.password),
  email: new RegExp(CANARY.emailDomain),
  address: new RegExp(CANARY.network.replaceAll('.', '\\.')),
  'JSON Web Token': /eyJ[\w-]{8,}\.[\w-]{8,}/,
  'refresh or reset token': /[\da-f]{8}-[\da-f-]{27}(?:\.\d+)?\.[\w-]{43}/,
  'bcrypt hash': /\$2[aby]\$\d\d\$/,
}

/** What workerd says about connections that broke, and about itself. The Worker's lines are JSON. */
const isOfWorker = (line: string) => line.startsWith('{')

export type Watch = {
  stop(): void
  lines(): number
  /** Lines by `event`. */
  events: Map<string, number>
  /** Names of the secrets that were logged. */
  leaks: Set<string>
  /** MiB of a third of the time: the first is warm-up. */
  memory(): { middle: number; last: number; highest: number }
}

export function startWatch(worker: ServedWorker): Watch {
  const events = new Map<string, number>()
  const leaks = new Set<string>()
  const memory: number[] = []
  let lines = 0

  const look = () => {
    memory.push(worker.rssBytes() / 2 ** 20)
    const fresh = worker.logs()
    worker.clearLogs()
    lines += fresh.length
    for (const line of fresh) {
      for (const [name, pattern] of Object.entries(SECRETS)) if (pattern.test(line)) leaks.add(name)
      const event = isOfWorker(line) ? (/"event":"(\w+)"/.exec(line)?.[1] ?? 'other') : 'of workerd'
      events.set(event, (events.get(event) ?? 0) + 1)
    }
  }
  const timer = setInterval(look, SAMPLE_MS)
  return {
    events,
    leaks,
    lines: () => lines,
    memory() {
      const third = Math.floor(memory.length / 3)
      const [middle, last] = [memory.slice(third, 2 * third), memory.slice(2 * third)]
      return { middle: median(middle), last: median(last), highest: Math.max(...memory) }
    },
    stop() {
      clearInterval(timer)
      look()
    },
  }
}
