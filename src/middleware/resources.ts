import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../context.ts'
import { ConfigurationError } from '../env.ts'
import { unavailable } from '../errors.ts'
import { resourcesFor } from '../resources.ts'

/** Probes answer with a wrong configuration too: they are how one learns of it. */
const PROBES: ReadonlySet<string> = new Set(['/health', '/health/live'])

/**
 * Hands a request what was made once per isolate. A configuration that is not valid answers 503 to
 * everything else: better down than open.
 */
export const resources = createMiddleware<AppEnv>(async function resources(c, next) {
  const made = resourcesFor(c.env)
  if (made instanceof ConfigurationError) {
    if (!PROBES.has(c.req.path)) throw unavailable('The service is not configured')
  } else {
    c.set('config', made.config)
    c.set('db', made.db)
    c.set('limiter', made.limiter)
    c.set('mailer', made.mailer)
    c.set('keys', made.keys)
  }
  await next()
})
