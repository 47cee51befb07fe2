import { cors } from 'hono/cors'
import { createMiddleware } from 'hono/factory'
import type { UnconfiguredEnv } from '../context.ts'

/** Seconds a browser may remember a preflight. Chromium takes no more than two hours. */
const PREFLIGHT_MAX_AGE = 2 * 60 * 60

const allow = cors({
  origin: (origin) => origin,
  credentials: true,
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowHeaders: ['Authorization', 'Content-Type', 'X-Request-ID', 'X-Bootstrap-Token'],
  exposeHeaders: ['X-Request-ID', 'Retry-After', 'RateLimit', 'RateLimit-Policy'],
  maxAge: PREFLIGHT_MAX_AGE,
})

/** CORS for the origins of `CORS_ORIGINS`, compared as a whole. All others get nothing. */
export const crossOrigin = createMiddleware<UnconfiguredEnv>(async function crossOrigin(c, next) {
  // A health check comes here without a valid configuration too: then no origin is allowed.
  if (c.get('config')?.corsOrigins.includes(c.req.header('Origin') ?? '')) {
    return c.req.method === 'OPTIONS' && !c.req.header('Access-Control-Request-Method')
      ? next()
      : allow(c, next)
  }
  await next()
  c.res.headers.append('Vary', 'Origin')
})
