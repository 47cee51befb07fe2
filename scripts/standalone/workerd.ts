/**
 * Runs a bundled Worker in `workerd serve`, the way Cloudflare runs it but for the network: one process,
 * nothing in front. `wrangler dev` and the test harness have proxies on the same thread, which serve
 * some 350 requests a second whatever the Worker does.
 */
import { copyFile, cp, mkdtemp, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { supervise } from '../../local/process/supervise.ts'
import { workerdConfig } from './config.ts'

const ROOT = join(import.meta.dirname, '../..')
const MODULES = join(import.meta.dirname, 'modules')
const requireOfWrangler = createRequire(createRequire(import.meta.url).resolve('wrangler'))
const WORKERD: { default: string } = requireOfWrangler('workerd')

export type WorkerdOptions = {
  /** The only module, for example `(await buildBundle(folder)).file`. */
  script: string
  /** Variables and secrets. */
  variables?: Record<string, string>
  /** Its bindings and compatibility date. The repository's by default. */
  wranglerConfig?: string
  /**
   * `host:port` that receives the HTTP requests of the queue binding. Without it what is queued is
   * accepted and dropped, and there is no `deliverUrl`.
   */
  mailQueue?: string
  /** Where it listens: `0.0.0.0:8787`. By default a free port of this machine. */
  address?: string
  /** Called with each line that the Worker and workerd print, in place of keeping it for `logs`. */
  onLine?: (line: string) => void
}

export type RunningWorkerd = {
  /** Without a trailing slash. */
  url: string
  /** Calls the consumer and the cron: see workerd/deliver.js. */
  deliverUrl: string | undefined
  pid: number
  /** When the process was started, on the clock of `performance.now()`. */
  startedAt: number
  /** What the Worker and workerd have printed, a line each. */
  logs(): readonly string[]
  /** Forgets the lines so far. */
  clearLogs(): void
  /** Resolves when it has exited. */
  ended: Promise<unknown>
  stop(): Promise<void>
}

/** The ready messages of workerd (`--control-fd`), mixed with the Worker's own lines. */
const LISTENING = /^\{"event":"listen(?:-inspector)?","socket":"([^"]+)","port":(\d+)\}$/

/** Starts workerd, and waits until it listens: the script is evaluated by then. @throws with its output */
export async function startWorkerd({
  script,
  variables = {},
  wranglerConfig = join(ROOT, 'wrangler.toml'),
  mailQueue,
  address = '127.0.0.1:0',
  onLine,
}: WorkerdOptions): Promise<RunningWorkerd> {
  const folder = await mkdtemp(join(tmpdir(), 'workerd-'))
  // It takes a second to load: not for `--help`.
  const { unstable_readConfig } = await import('wrangler')
  const wrangler = unstable_readConfig({ config: wranglerConfig, env: '' }, { hideWarnings: true })
  const config = { wrangler, variables, assets: join(ROOT, 'dist/assets'), mailQueue, address }
  let lines: string[] = []
  await Promise.all([
    copyFile(script, join(folder, 'worker.js')),
    cp(MODULES, folder, { recursive: true }),
    // It holds secrets.
    writeFile(join(folder, 'config.capnp'), workerdConfig(config), { mode: 0o600 }),
  ])
  const server = supervise({
    file: 'sh',
    args: [
      '-c',
      // Calling another Worker's `queue` and `scheduled` is experimental.
      'echo "pid $$"; exec "$0" serve --control-fd=1 --experimental config.capnp 2>&1',
      WORKERD.default,
    ],
    cwd: folder,
    stop: [{ signal: 'SIGTERM', waitMs: 2000 }],
    removeAtEnd: folder,
  })
  let pid = 0
  let startedAt = 0
  const ports = new Map<string, string>()
  const expected = mailQueue === undefined ? 1 : 2
  await new Promise<void>((resolve, reject) => {
    server.ended.then(() => reject(new Error(`workerd has exited:\n${lines.join('\n')}`)))
    createInterface(server.output).on('line', (line) => {
      const [, socket, port] = LISTENING.exec(line) ?? []
      if (line.startsWith('pid ') && pid === 0) {
        startedAt = performance.now()
        pid = Number(line.slice(4))
      } else if (socket && port) {
        ports.set(socket, port)
        if (ports.size === expected) resolve()
      } else if (onLine) onLine(line)
      else lines.push(line)
    })
  })
  const urlOf = (socket: string) => {
    const port = ports.get(socket)
    return port && `http://127.0.0.1:${port}`
  }
  return {
    url: urlOf('http') ?? '',
    deliverUrl: urlOf('deliver'),
    pid,
    startedAt,
    logs: () => lines,
    clearLogs() {
      lines = []
    },
    ended: server.ended,
    stop: server.stop,
  }
}
