import { cors } from 'hono/cors'
import { createMiddleware } from 'hono/factory'
import type { RequestContext, UnconfiguredEnv } from '../context.ts'
import { allowsOrigin } from '../env/addresses.ts'
import type { Config } from '../env.ts'
import { defineError } from '../errors.ts'
import { log } from '../log.ts'

/** Seconds a browser may remember a preflight. Chromium takes no more than two hours. */
const PREFLIGHT_MAX_AGE = 2 * 60 * 60

const allow = cors({
  origin: (origin) => origin,
  credentials: true,
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowHeaders: [
    'Authorization',
    'Content-Type',
    'X-Request-ID',
    'X-Bootstrap-Token',
    'X-Refresh-Token',
  ],
  exposeHeaders: [
    ...['X-Request-ID', 'Retry-After', 'RateLimit', 'RateLimit-Policy'],
    ...['API-Version', 'Deprecation', 'Sunset', 'Link'],
  ],
  maxAge: PREFLIGHT_MAX_AGE,
})

/** CORS for the origins that the configuration allows, compared as a whole. All others get nothing. */
export const crossOrigin = createMiddleware<UnconfiguredEnv>(async function crossOrigin(c, next) {
  // A health check comes here without a valid configuration too: then no origin is allowed.
  const config = c.get('config')
  const origin = c.req.header('Origin')
  if (config && origin && allowsOrigin(config, origin)) {
    return c.req.method === 'OPTIONS' && !c.req.header('Access-Control-Request-Method')
      ? next()
      : allow(c, next)
  }
  if (config && origin && !isOwnOrigin(c.req.url, config, origin)) {
    reportUnlisted(c, config, origin)
  }
  await next()
  c.res.headers.append('Vary', 'Origin')
})

/** Pages of ours have the origin that the request was sent to, or that of `PUBLIC_URL`. */
const isOwnOrigin = (url: string, { publicUrl }: Config, origin: string) =>
  origin === new URL(url).origin || (!!publicUrl && origin === new URL(publicUrl).origin)

export const untrustedOrigin = defineError(
  'AuthorizationError',
  'Refresh tokens in cookies need an Origin header that is listed in CORS_ORIGINS',
)

/**
 * For what acts on a cookie, which a browser sends along for any page (CSRF, ASVS 3.5.1).
 *
 * @throws {ApiError} 403 unless `Origin` is allowed by the configuration, or our own
 */
export function requireTrustedOrigin({ req, var: { config } }: RequestContext) {
  const origin = req.header('Origin')
  if (!origin || !(allowsOrigin(config, origin) || isOwnOrigin(req.url, config, origin))) {
    throw untrustedOrigin()
  }
}

/** What a browser sends as `Origin` (RFC 6454 section 7), apps in a web view included. Fits a host name of DNS. */
const ORIGIN = /^(?:null|[a-z][a-z\d+.-]{0,30}:\/\/[\w.:[\]-]{1,260})$/

/** Origins that one isolate reports, so that a stranger can't fill the log. */
const MAX_REPORTED = 20

const reported = new WeakMap<Config, Set<string>>()

/** Otherwise the browser alone tells why a frontend can't reach us: "Failed to fetch". */
function reportUnlisted(c: { var: { requestId: string } }, config: Config, origin: string) {
  const known = reported.get(config) ?? new Set()
  if (known.has(origin) || known.size >= MAX_REPORTED || !ORIGIN.test(origin)) return
  reported.set(config, known.add(origin))
  log(c, 'warn', 'origin_not_allowed', { origin, variable: 'CORS_ORIGINS' })
}
