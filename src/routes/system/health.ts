import * as z from 'zod/mini'
import packageJson from '../../../package.json' with { type: 'json' }
import { ping } from '../../db/statement.ts'
import { ConfigurationError } from '../../env.ts'
import { contract, healthCheck } from '../../openapi.ts'
import { type Resources, resourcesFor } from '../../resources.ts'
import { timePassed } from '../../timeout.ts'
import { createShared } from './shared.ts'

/** Milliseconds for a probe: monitors get a response within a second. */
const PROBE_TIMEOUT_MS = 600

const Health = z
  .object({
    status: z.enum(['healthy', 'degraded', 'unhealthy']),
    timestamp: z.iso.datetime(),
    version: z.string(),
    environment: z.string(),
    project: z.string(),
    database: z.object({
      connected: z.boolean(),
      error: z.nullable(z.enum(['timeout', 'unavailable', 'not_configured'])),
    }),
    redis: z.object({ connected: z.boolean() }),
    email_configured: z.boolean(),
  })
  .check(z.meta({ id: 'Health' }))

type Health = z.output<typeof Health>

export const health = healthCheck(
  contract({
    operationId: 'getHealth',
    summary: 'Health check',
    description:
      '`degraded`: Redis or email is impaired. `unhealthy`: the database or the configuration is.',
    responses: {
      200: { description: 'Healthy or degraded', schema: Health },
      503: { description: 'Unhealthy', schema: Health },
    },
  }),
  async (c) => {
    const resources = resourcesFor(c.env)
    const result =
      resources instanceof ConfigurationError
        ? NOT_CONFIGURED
        : await shared(resources, () => probe(resources))
    const body = { ...result, timestamp: new Date().toISOString(), version: packageJson.version }
    return body.status === 'unhealthy' ? c.json(body, 503) : c.json(body, 200)
  },
)

export const live = healthCheck(
  contract({
    operationId: 'getLiveness',
    summary: 'Liveness check',
    description: 'Does not touch any dependency.',
    responses: {
      200: { description: 'The Worker runs', schema: z.object({ status: z.literal('alive') }) },
    },
  }),
  (c) => c.json({ status: 'alive' as const }, 200),
)

type Probe = Omit<Health, 'timestamp' | 'version'>

const NOT_CONFIGURED: Probe = {
  status: 'unhealthy',
  environment: 'unknown',
  project: 'unknown',
  database: { connected: false, error: 'not_configured' },
  redis: { connected: false },
  email_configured: false,
}

const shared = createShared<Resources, Probe>()

async function probe({ config, db, limiter }: Resources): Promise<Probe> {
  const [database, redis] = await Promise.all([
    within(PROBE_TIMEOUT_MS, ping(db, {})),
    within(PROBE_TIMEOUT_MS, limiter.ping()),
  ])
  const impaired = redis !== null || !config.mail
  return {
    status: database ? 'unhealthy' : impaired ? 'degraded' : 'healthy',
    environment: config.environment,
    project: config.brand.name,
    database: { connected: database === null, error: database },
    redis: { connected: redis === null },
    email_configured: config.mail !== undefined,
  }
}

/** What went wrong, in a fixed word. Null: nothing. */
async function within(milliseconds: number, probed: Promise<unknown>) {
  const outcome = probed.then(
    () => null,
    () => 'unavailable' as const,
  )
  return Promise.race([outcome, timePassed(milliseconds).then(() => 'timeout' as const)])
}
