import { createMiddleware } from 'hono/factory'
import { secureHeaders } from 'hono/secure-headers'
import type { BaseEnv } from '../context.ts'

/** Seconds of a year: what HSTS preload lists ask for (RFC 6797). */
const YEAR = 365 * 24 * 60 * 60

/**
 * The security headers of every response. An API response may load, frame and submit nothing; a page of
 * ours sets a Content-Security-Policy of its own, which stays.
 */
export const securityHeaders = secureHeaders({
  strictTransportSecurity: `max-age=${YEAR}; includeSubDomains`,
  xFrameOptions: 'DENY',
  // Set below, as the page of reset links has one of its own.
  referrerPolicy: false,
  xPermittedCrossDomainPolicies: 'none',
  xXssProtection: '0',
  crossOriginResourcePolicy: false,
  permissionsPolicy: {
    camera: [],
    geolocation: [],
    microphone: [],
    payment: [],
    usb: [],
  },
})

const API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** What a response gets unless its handler sets it. */
export const responseDefaults = createMiddleware<BaseEnv>(async function responseDefaults(c, next) {
  await next()
  if (!c.res.headers.has('Content-Security-Policy')) {
    c.header('Content-Security-Policy', API_POLICY)
  }
  if (!c.res.headers.has('Referrer-Policy')) {
    c.header('Referrer-Policy', 'strict-origin-when-cross-origin')
  }
  if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store')
  if (c.res.headers.get('Content-Type') === 'application/json') {
    c.header('Content-Type', 'application/json; charset=utf-8')
  }
})
