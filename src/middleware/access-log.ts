import { createMiddleware } from 'hono/factory'
import { routePath } from 'hono/route'
import type { BaseEnv } from '../context.ts'
import { log } from '../log.ts'

/**
 * One line for each request. The route's pattern instead of its path, and never the query: both
 * may contain personal data. The duration (ms) is waiting time: on Cloudflare the clock stands still while
 * the CPU works.
 */
export const accessLog = createMiddleware<BaseEnv>(async function accessLog(c, next) {
  const started = Date.now()
  await next()
  log(c, 'info', 'request', {
    method: c.req.method,
    route: routePath(c, -1),
    status: c.res.status,
    duration_ms: Date.now() - started,
  })
})
