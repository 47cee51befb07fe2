import { createMiddleware } from 'hono/factory'
import * as z from 'zod/mini'
import packageJson from '../../../package.json' with { type: 'json' }
import type { AppEnv, RequestContext } from '../../context.ts'
import { type Gauges, readGauges } from '../../db/gauges.ts'
import { notAuthenticated, notFound } from '../../errors.ts'
import type { GaugeName } from '../../metrics/definitions.ts'
import { EXPOSITION, expose } from '../../metrics/exposition.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { keyOf, type Series, sum } from '../../metrics/series.ts'
import { bearerToken } from '../../middleware/authenticate.ts'
import { contract, documented, endpoint } from '../../openapi.ts'
import { timePassed } from '../../timeout.ts'
import { isSecret } from '../../tokens/compare.ts'
import { createShared } from './shared.ts'

/** Milliseconds for Redis and the database: a scrape gets its response within a second. */
const SCRAPE_TIMEOUT_MS = 700

type Metered = { Variables: { metrics: Metrics } }

/** Without a METRICS_TOKEN there is no such path, by any method. */
export const hideWithoutToken = createMiddleware<AppEnv>(async function hideWithoutToken(c, next) {
  if (c.var.config.metricsToken === undefined) throw notFound(c.req.path)
  await next()
})

/** Lets requests with METRICS_TOKEN pass, before anything is asked of Redis or the database. */
const requireMetricsToken = documented(
  { security: [{ metricsToken: [] }], errors: [notAuthenticated] },
  createMiddleware<AppEnv & Metered>(async function requireMetricsToken(c, next) {
    const { metricsToken } = c.var.config
    if (metricsToken === undefined || !isSecret(bearerToken(c.req), metricsToken)) {
      throw notAuthenticated()
    }
    await next()
  }),
)

const shared = createShared<Metrics, string>()

export const metrics = endpoint(
  contract({
    operationId: 'getMetrics',
    summary: 'Metrics',
    description:
      'For Prometheus, in its text format 0.0.4. What Redis or the database would have told is missing while it is down: see `accounts_dependency_up`. Without `METRICS_TOKEN` in the configuration this is 404.',
    responses: {
      200: {
        description: 'The metrics, at most six seconds old',
        contentType: 'text/plain',
        schema: z.string(),
        example: '# TYPE accounts_users gauge\naccounts_users{state="active"} 42\n',
      },
    },
  }),
  requireMetricsToken,
  async (c) => {
    const text = await shared(c.var.metrics, () => scrape(c))
    return c.body(text, 200, { 'Content-Type': EXPOSITION })
  },
)

async function scrape({ var: { config, db, metrics } }: RequestContext<AppEnv & Metered>) {
  const started = Date.now()
  const [counted, gauges] = await Promise.all([inTime(metrics.read()), inTime(readGauges(db, {}))])
  const found: Series = new Map()
  const set = (name: GaugeName, value: number, ...labels: string[]) =>
    found.set(keyOf(name, ...labels), [value])
  const project = config.brand.name.replaceAll('\t', ' ') // Tabs separate labels.
  set('adl_application_info', 1, packageJson.version, config.environment, project)
  set('accounts_dependency_up', Number(counted !== undefined), 'redis')
  set('accounts_dependency_up', Number(gauges !== undefined), 'database')
  set('accounts_scrape_duration_seconds', (Date.now() - started) / 1000)
  if (gauges) setGauges(set, gauges)
  return expose(sum(counted ?? [], found))
}

function setGauges(
  set: (name: GaugeName, value: number, ...labels: string[]) => void,
  gauges: Gauges,
) {
  set('active_users_total', gauges.active_users)
  set('registered_users_total', gauges.active_users + gauges.disabled_users)
  for (const state of ['active', 'disabled', 'deleted'] as const) {
    set('accounts_users', gauges[`${state}_users`], state)
    set('accounts_admins', gauges[`${state}_admins`], state)
  }
  for (const accountType of ['user', 'admin'] as const) {
    set('accounts_sessions_live', gauges[`${accountType}_sessions`], accountType)
    set('accounts_locked_accounts', gauges[`locked_${accountType}s`], accountType)
  }
  set('accounts_outbox_pending', gauges.outbox_pending)
  set('accounts_outbox_oldest_seconds', gauges.outbox_oldest_seconds)
  set('accounts_outbox_abandoned', gauges.outbox_abandoned)
}

/** Undefined: there was no response, or none in time. */
const inTime = <Result>(response: Promise<Result>) =>
  Promise.race([
    response.catch(() => undefined),
    timePassed(SCRAPE_TIMEOUT_MS).then(() => undefined),
  ])
