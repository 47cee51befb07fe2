import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../context.ts'
import { ConfigurationError } from '../env.ts'
import { defineUnavailable } from '../errors.ts'
import { resourcesFor } from '../resources.ts'

/** Health checks respond with an invalid configuration too: they are how one learns of it. */
const HEALTH_CHECKS: ReadonlySet<string> = new Set(['/health', '/health/live'])

const notConfigured = defineUnavailable('The service is not configured')

/**
 * Gives a request what is made once per isolate. With an invalid configuration everything else
 * returns 503: better down than open.
 */
export const resources = createMiddleware<AppEnv>(async function resources(c, next) {
  const made = resourcesFor(c.env)
  if (made instanceof ConfigurationError) {
    if (!HEALTH_CHECKS.has(c.req.path)) throw notConfigured()
  } else {
    c.set('config', made.config)
    c.set('db', made.db.forRequest())
    c.set('limiter', made.limiter)
    c.set('hashGate', made.hashGate)
    c.set('mailer', made.mailer)
    c.set('metrics', made.metrics)
    c.set('keys', made.keys)
  }
  await next()
})
