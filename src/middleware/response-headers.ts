import { createMiddleware } from 'hono/factory'
import { matchedRoutes } from 'hono/route'
import type { BaseEnv } from '../context.ts'
import { documentationOf } from '../openapi.ts'
import { API_VERSION, deprecationHeaders } from '../versions.ts'

/** Seconds of a year: what HSTS preload lists ask for (RFC 6797). */
const YEAR = 365 * 24 * 60 * 60

/** On every response (ASVS 3.4). */
export const SECURITY_HEADERS = Object.entries({
  'Strict-Transport-Security': `max-age=${YEAR}; includeSubDomains`,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-XSS-Protection': '0',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'X-Permitted-Cross-Domain-Policies': 'none',
})

/**
 * What a response gets unless its handler sets it. An API response may load, frame and submit nothing; a
 * page of ours sets a Content-Security-Policy of its own, and the page of reset links its referrer policy.
 */
export const DEFAULTS = Object.entries({
  'Content-Security-Policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'Referrer-Policy': 'strict-origin-when-cross-origin',
  'Cache-Control': 'no-store',
})

/** The headers of every response. Not by `c.header`, which copies a finished response for each of them. */
export const responseHeaders = createMiddleware<BaseEnv>(async function responseHeaders(c, next) {
  await next()
  const { headers } = c.res
  for (const [name, value] of SECURITY_HEADERS) headers.set(name, value)
  for (const [name, value] of DEFAULTS) if (!headers.has(name)) headers.set(name, value)
  headers.set('X-Request-ID', c.get('requestId'))
  if (c.req.path.startsWith('/api/')) headers.set('API-Version', API_VERSION)
  // Here and not in the endpoint, which an error of a middleware in front of it never reaches.
  for (const { handler } of matchedRoutes(c)) {
    const deprecated = documentationOf(handler)?.deprecated
    if (!deprecated) continue
    for (const [name, value] of deprecationHeaders(deprecated)) headers.append(name, value)
  }
})
