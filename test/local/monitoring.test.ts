/** The dashboards, rules and alerts of monitoring/, on a Prometheus that scrapes the running service. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type LocalService, startLocalService } from '../../bench/local-service.ts'
import { findProgram, type Prometheus, startPrometheus } from '../../bench/prometheus.ts'
import { guess, liveAsUser, requestResets } from '../../bench/scripted-load.ts'
import { accounts } from '../../scripts/dashboards/accounts.ts'
import { mail } from '../../scripts/dashboards/mail.ts'
import { traffic } from '../../scripts/dashboards/traffic.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A healthy Redis may take longer than 400 ms on a busy machine, and a hash longer than its turn. */
const PATIENT = { REDIS_TIMEOUT_MS: '5000', HASH_QUEUE_MS: '20000' }

/** Ten seconds until an isolate sends its counts, five of a cached scrape, and a busy machine. */
const SCRAPED_WITHIN = { timeout: 45_000, interval: 250 }

/** Why there is nothing to show here. */
const EMPTY: Record<string, string> = {
  'Health check from outside': 'needs blackbox_exporter',
  Certificate: 'needs blackbox_exporter and a certificate',
  'Tokens of the old service in a day': 'the service has no LEGACY_SECRET_KEY',
}

const QUERIES = [traffic, accounts, mail].flatMap(({ title: dashboard, panels }) =>
  panels.flatMap(({ title, queries }) =>
    Object.values(queries).map((query) => [dashboard, title, query] as const),
  ),
)

/** What the dashboards and alerts of the FastAPI service ask for. */
const OLD_QUERIES = [
  'up{job="fastapi-backend"}',
  'adl_application_info{version!="", environment!="", name!=""}',
  'sum by (endpoint, status) (rate(http_requests_total[5m]))',
  'sum by (method, endpoint) (rate(http_requests_total{status=~"4.."}[5m]))',
  'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))',
  'histogram_quantile(0.95, rate(http_request_duration_seconds_bucket{method="GET", endpoint="/api/users/me"}[5m]))',
  'rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])',
  'sum by (error_type) (rate(http_errors_total[5m]))',
  'sum(rate(http_errors_total[5m])) / sum(rate(http_requests_total[5m]))',
  'sum by (method, endpoint) (http_requests_in_progress)',
  'active_users_total',
  'registered_users_total',
]

const program = findProgram('prometheus')

const ROUTES = [
  ...['config', 'routes', 'test', '--config.file=monitoring/alertmanager.example.yml'],
] as const

/** Debian's names of the programs that read the other files, where they are installed. */
const CHECKS = [
  ['promtool', 'npm', ['run', '--silent', 'check:monitoring']],
  ['amtool', 'amtool', ['check-config', 'monitoring/alertmanager.example.yml']],
  ['amtool', 'amtool', [...ROUTES, '--verify.receivers=phone', 'severity=critical']],
  ['amtool', 'amtool', [...ROUTES, '--verify.receivers=mail', 'severity=warning']],
  [
    'prometheus-blackbox-exporter',
    'prometheus-blackbox-exporter',
    ['--config.check', '--config.file=monitoring/blackbox.yml'],
  ],
] as const

/** Begun now, so that they work while the tests of Prometheus wait for counts. */
const checks = CHECKS.filter(([needed]) => findProgram(needed)).map(([, program, args]) => ({
  command: [program, ...args].join(' '),
  failure: promisify(execFile)(program, args, { cwd: ROOT }).then(() => undefined, String),
}))

if (program) describeOn(program)
else {
  test('dashboards and alerts are not tested without an installed Prometheus (apt-get install prometheus)', () => {
    expect(program).toBeUndefined()
  })
}

function describeOn(program: string) {
  describe('a Prometheus on monitoring/prometheus.yml', () => {
    let service: LocalService
    let prometheus: Prometheus

    beforeAll(async () => {
      service = await startLocalService(PATIENT)
      const { url, metricsToken } = service
      prometheus = await startPrometheus(program, {
        ...{ url, metricsToken, intervalSeconds: 1, pendingFor: '1s' },
      })
      const load = () => Promise.all([liveAsUser(url), guess(url), requestResets(url)])
      await load()
      // An isolate sends its counts after ten seconds, and a rate is of what comes later.
      const scraped = () => prometheus.query('http_requests_total{endpoint="/api/users/me"}')
      await vi.waitFor(async () => expect(await scraped()).not.toEqual([]), SCRAPED_WITHIN)
      await load()
      const failures = () => prometheus.query('instance:http_requests_failed:ratio_rate5m')
      await vi.waitFor(async () => expect(await failures()).not.toEqual([]), SCRAPED_WITHIN)
    }, 120_000)

    afterAll(async () => {
      await prometheus?.stop()
      await service?.stop()
    })

    test('both jobs call a service by its host, so that alerts know what is of one', async () => {
      const hosts = (await prometheus.query('up')).map(({ metric }) => metric['instance'])
      expect(hosts.toSorted()).toEqual([new URL(service.url).host, 'accounts.example.com'])
    })

    test('no rule fails, and no alert fires but that nobody probes from outside, or that this machine is busy', async () => {
      expect(await prometheus.query('sum(prometheus_rule_evaluation_failures_total) > 0')).toEqual(
        [],
      )
      const firing = (await prometheus.alerts()).map(({ labels }) => labels['alertname'])
      const expected = ['HealthNotProbed', 'HighLatency']
      expect(firing.filter((name) => !expected.includes(String(name)))).toEqual([])
    })

    test.each(QUERIES)('%s, %s has data: %s', async (_, panel, query) => {
      const isEmpty = async () =>
        (await prometheus.query(query.replaceAll('$instance', '.+'))).length === 0
      await expect.poll(isEmpty, SCRAPED_WITHIN).toBe(panel in EMPTY)
    })

    test.each(OLD_QUERIES)('the old dashboards’ %s has data', async (query) => {
      const values = async () =>
        (await prometheus.query(query))
          .flatMap((series) => series.values)
          .filter(([, value]) => Number.isFinite(value))
      await expect.poll(values, SCRAPED_WITHIN).not.toEqual([])
    })

    test('DatabaseDown fires when the database is stopped, and RedisDown does not', async () => {
      await service.stopDatabase()
      const firing = async () =>
        (await prometheus.alerts())
          .filter(({ state }) => state === 'firing')
          .map(({ labels }) => labels['alertname'])
      await expect.poll(firing, { timeout: 25_000 }).toContain('DatabaseDown')
      expect(await firing()).not.toContain('RedisDown')
    })
  })
}

test.each(checks)('$command accepts what is in monitoring/', async ({ failure }) => {
  expect(await failure).toBeUndefined()
})
