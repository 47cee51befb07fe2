import { mkdtempSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Supervised, supervise } from '../process/supervise.ts'

export interface WorkerOptions {
  /** The repository, where wrangler.toml is. */
  folder: string
  port: number
  /** All of them: .dev.vars is not read. */
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
/**
 * No network calls: no update check, usage report or location lookup. And no variables of the shell in
 * the Worker, only those of the file.
 */
const ENVIRONMENT = {
  CLOUDFLARE_INCLUDE_PROCESS_ENV: 'false',
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'true',
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

/** A line of a .env file, in which wrangler would replace `$NAME`. */
function line(name: string, value: string): string {
  // Between double quotes, \n would become a new line.
  const quote = ["'", '`', ...(value.includes('\\') ? [] : ['"'])].find(
    (mark) => !value.includes(mark),
  )
  if (quote === undefined) throw new Error(`${name} contains every kind of quote`)
  return `${name}=${quote}${value.replaceAll('$', '\\$')}${quote}\n`
}

/** Writes the variables to a file that only its owner can read. Arguments are shown to everybody by `ps`. */
function writeVariables(folder: string, variables: Record<string, string>): string {
  const file = join(folder, 'variables.env')
  const lines = Object.entries(variables).map(([name, value]) => line(name, value))
  writeFileSync(file, lines.join(''), { mode: 0o600 })
  return file
}

/**
 * Runs the Worker with `wrangler dev`, in workerd, and waits until it responds. What wrangler prints
 * while starting is shown only if the start fails.
 *
 * @throws Error with wrangler's output if the Worker does not start
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const url = `http://127.0.0.1:${options.port}`
  const secrets = mkdtempSync(join(tmpdir(), 'variables-'))
  const worker = supervise({
    file: process.execPath,
    args: [
      '--no-warnings',
      WRANGLER,
      'dev',
      ...['--ip', '127.0.0.1', '--port', String(options.port), '--inspector-port', '0'],
      '--show-interactive-dev-session=false',
      ...['--env-file', writeVariables(secrets, options.variables)],
    ],
    cwd: options.folder,
    env: ENVIRONMENT,
    stop: [{ signal: 'SIGTERM', waitMs: 3000 }],
    removeAtEnd: secrets,
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
