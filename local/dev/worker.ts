import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Supervised, supervise } from '../process/supervise.ts'

export interface WorkerOptions {
  /** The repository, where wrangler.toml is. */
  folder: string
  port: number
  /** Override wrangler.toml and .dev.vars. */
  variables: Record<string, string>
  /** Returns 200 as soon as the Worker runs. */
  livePath: string
  /** Called with each line of output once the Worker is up. */
  onLine: (line: string) => void
}

export interface RunningWorker {
  url: string
  ended: Promise<unknown>
  stop(): Promise<void>
}

/** The program itself. Its launcher would exit before workerd and esbuild do. */
const WRANGLER = createRequire(import.meta.url).resolve('wrangler')
const START_TIMEOUT_MS = 60_000
const POLL_MS = 100
/** The Worker's own warnings and errors. Those logged before it is up are shown afterwards. */
const WARNING_OR_ERROR = /^\{.*"level":"(?:warn|error)"/
/** No network calls: no update check, usage report or location lookup. */
const ENVIRONMENT = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
}

async function isLive(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

async function untilLive(worker: Supervised, url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await isLive(url))) {
    if (!worker.running()) throw new Error('The Worker did not start.')
    if (Date.now() > deadline) throw new Error(`The Worker does not respond at ${url}.`)
    await sleep(POLL_MS)
  }
}

/**
 * Runs the Worker with `wrangler dev`, in workerd, and waits until it responds. What wrangler prints
 * while starting is shown only if the start fails.
 *
 * @throws Error with wrangler's output if the Worker does not start
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const url = `http://127.0.0.1:${options.port}`
  const variables = Object.entries(options.variables)
  const worker = supervise({
    file: process.execPath,
    args: [
      '--no-warnings',
      WRANGLER,
      'dev',
      ...['--ip', '127.0.0.1', '--port', String(options.port), '--inspector-port', '0'],
      '--show-interactive-dev-session=false',
      ...variables.flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    ],
    cwd: options.folder,
    env: ENVIRONMENT,
    stop: [{ signal: 'SIGTERM', waitMs: 3000 }],
  })
  const startOutput: string[] = []
  let isUp = false
  const lines = createInterface({ input: worker.output })
  lines.on('line', (line) => {
    if (isUp) options.onLine(line)
    else startOutput.push(line)
  })
  try {
    await untilLive(worker, url + options.livePath)
  } catch (error) {
    await worker.stop()
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${reason} Output of wrangler:\n${startOutput.join('\n').trim()}`)
  }
  isUp = true
  for (const line of startOutput) if (WARNING_OR_ERROR.test(line)) options.onLine(line)
  return { url, ended: worker.ended, stop: worker.stop }
}
