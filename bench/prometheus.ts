/** An installed Prometheus on monitoring/prometheus.yml, which scrapes a service on this machine. */

import { accessSync, constants } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../local/process/ports.ts'
import { supervise } from '../local/process/supervise.ts'

const MONITORING = join(import.meta.dirname, '../monitoring')
const START_LIMIT_MS = 30_000

/** The path of an installed program. */
export function findProgram(name: string): string | undefined {
  return process.env['PATH']
    ?.split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** A series, and its values by time in Unix seconds. */
type Series = { metric: Record<string, string>; values: [time: number, value: number][] }

type Alert = { labels: Record<string, string>; state: 'pending' | 'firing' }

export type Prometheus = {
  /** The series that PromQL finds now. @throws Error with Prometheus's message */
  query(promql: string): Promise<Series[]>
  /** Over a time, in Unix seconds. */
  queryRange(promql: string, range: { start: number; end: number; step: number }): Promise<Series[]>
  alerts(): Promise<Alert[]>
  stop(): Promise<void>
}

type Options = {
  /** Of the service, without a trailing slash. */
  url: string
  metricsToken: string
  /** In place of 15 s, for scrapes and evaluations. */
  intervalSeconds: number
  /** In place of each `for` of the rules. */
  pendingFor?: string
}

/** Starts it on a free port and a temporary folder. */
export async function startPrometheus(program: string, options: Options): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'))
  await cp(join(MONITORING, 'rules'), join(folder, 'rules'), { recursive: true })
  await writeFile(join(folder, 'accounts-metrics-token'), options.metricsToken, { mode: 0o600 })
  const config = await readFile(join(MONITORING, 'prometheus.yml'), 'utf8')
  await writeFile(join(folder, 'prometheus.yml'), localConfig(config, options))
  if (options.pendingFor) await replacePending(join(folder, 'rules'), options.pendingFor)
  const port = await freePort()
  const server = supervise({
    file: program,
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    cwd: folder,
    stop: [{ signal: 'SIGTERM', waitMs: 5_000 }],
    removeAtEnd: folder,
  })
  server.output.resume()
  const url = `http://127.0.0.1:${port}`
  await waitUntilReady(`${url}/-/ready`, server.running)

  async function get<Data>(path: string, query: Record<string, string> = {}): Promise<Data> {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(query)}`)
    const body = (await response.json()) as { status: string; error?: string; data: Data }
    if (body.status !== 'success') throw new Error(body.error)
    return body.data
  }
  return {
    async query(query) {
      const { result } = await get<{ result: Instant[] }>('query', { query })
      return result.map(({ metric, value: [time, value] }) => ({
        metric,
        values: [[time, Number(value)]],
      }))
    },
    async queryRange(query, { start, end, step }) {
      const times = { start: String(start), end: String(end), step: String(step) }
      const { result } = await get<{ result: Ranged[] }>('query_range', { query, ...times })
      return result.map(({ metric, values }) => ({
        metric,
        values: values.map(([time, value]) => [time, Number(value)]),
      }))
    },
    alerts: async () => (await get<{ alerts: Alert[] }>('alerts')).alerts,
    stop: server.stop,
  }
}

type Instant = { metric: Record<string, string>; value: [number, string] }
type Ranged = { metric: Record<string, string>; values: [number, string][] }

/** This machine in place of the example's, more often, and without an Alertmanager. */
const localConfig = (config: string, { url, intervalSeconds }: Options) =>
  config
    .replace('scheme: https', 'scheme: http')
    .replace('[accounts.example.com]', `[${new URL(url).host}]`)
    .replace(/(scrape|evaluation)_interval: .*/g, `$1_interval: ${intervalSeconds}s`)
    .replace(/scrape_timeout: .*/, `scrape_timeout: ${intervalSeconds}s`)
    .replace(/^alerting:\n(?: .*\n)+/m, '')

async function replacePending(folder: string, pendingFor: string) {
  for (const file of await readdir(folder)) {
    const rules = await readFile(join(folder, file), 'utf8')
    await writeFile(join(folder, file), rules.replace(/ for: .*/g, ` for: ${pendingFor}`))
  }
}

async function waitUntilReady(url: string, isRunning: () => boolean) {
  const deadline = Date.now() + START_LIMIT_MS
  while (isRunning() && Date.now() < deadline) {
    const isReady = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    await sleep(100)
  }
  throw new Error('Prometheus did not start.')
}
