import { createMiddleware } from 'hono/factory'
import { routePath } from 'hono/route'
import type { UnconfiguredEnv } from '../context.ts'

/** Counts each response for `GET /metrics`, if there is a METRICS_TOKEN. */
export const countResponses = createMiddleware<UnconfiguredEnv>(
  async function countResponses(c, next) {
    const started = Date.now()
    await next()
    const metrics = c.get('metrics')
    if (!metrics) return
    metrics.countResponse({
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      durationMs: Date.now() - started,
      error: c.get('errorName'),
    })
    metrics.flushAfter(c.executionCtx)
  },
)
