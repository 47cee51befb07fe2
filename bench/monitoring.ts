// `npm run plots:monitoring`: the dashboards of monitoring/grafana as pictures.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError, runCommand } from '../scripts/command-line.ts'
import { accounts } from '../scripts/dashboards/accounts.ts'
import { mail } from '../scripts/dashboards/mail.ts'
import { traffic } from '../scripts/dashboards/traffic.ts'
import { startLocalService } from './local-service.ts'
import { findProgram, startPrometheus } from './prometheus.ts'
import { dashboardPlot } from './report/dashboard.ts'
import { guess, liveAsUser, requestResets } from './scripted-load.ts'

const PLOTS = join(import.meta.dirname, '../docs/plots')
const INTERVAL_SECONDS = 5

/** Until the last counts have been sent and scraped. */
const SCRAPED_WITHIN_MS = 20_000

/** Cheap hashes, and patience with a machine that does this beside all else. */
const VARIABLES = { BCRYPT_COST: '10', REDIS_TIMEOUT_MS: '5000', HASH_QUEUE_MS: '20000' }

await runCommand(
  {
    name: 'npm run plots:monitoring',
    about: `Runs the service under a scripted load, with Prometheus on monitoring/, and draws each dashboard from the
data of its own queries: docs/plots/monitoring-*.svg.`,
    options: {
      minutes: { type: 'string', value: '<n>', least: 2, default: '15', about: 'how long' },
    },
  },
  async ({ values }) => {
    const program = findProgram('prometheus')
    if (!program) throw new CommandError('Prometheus is missing: apt-get install prometheus')
    const service = await startLocalService(VARIABLES)
    const prometheus = await startPrometheus(program, {
      ...{ url: service.url, metricsToken: service.metricsToken },
      intervalSeconds: INTERVAL_SECONDS,
    })
    try {
      const start = Date.now() / 1000
      await work(service.url, Number(values.minutes) * 60_000)
      const range = { start: start + 30, end: Date.now() / 1000, step: 2 * INTERVAL_SECONDS }
      for (const dashboard of [traffic, accounts, mail]) {
        const file = dashboard.uid.replace('accounts-', 'monitoring-')
        await writeFile(
          join(PLOTS, `${file}.svg`),
          await dashboardPlot(dashboard, prometheus, range),
        )
      }
    } finally {
      await prometheus.stop()
      await service.stop()
    }
  },
)

/** Users come and go in waves. In the third quarter somebody guesses passwords and requests resets. */
async function work(url: string, milliseconds: number) {
  const started = Date.now()
  const running = new Set<Promise<void>>()
  // The harness sometimes drops a connection: a caller less.
  const begin = (act: Promise<void>) => {
    const done = act.catch(() => {}).finally(() => running.delete(done))
    running.add(done)
  }
  for (;;) {
    const share = (Date.now() - started) / milliseconds
    if (share >= 1) break
    begin(liveAsUser(url))
    const isAttack = share > 0.5 && share < 0.7
    if (isAttack) begin(guess(url))
    if (isAttack && Math.random() < 0.2) begin(requestResets(url))
    await sleep(5_000 * (1.2 + Math.sin(share * 6 * Math.PI)))
  }
  await Promise.all(running)
  await sleep(SCRAPED_WITHIN_MS)
}
