import type { Context } from 'hono'
import type { AppEnv } from '../../context.ts'
import type { Config } from '../../env.ts'
import { defineUnavailable, notFound } from '../../errors.ts'
import { contract, endpoint } from '../../openapi.ts'
import { branded, brandedIcon, brandStyles } from './branding.ts'

/** What every page of ours may do: load its own scripts, call its own API, and nothing else. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Seconds a browser may keep a file. Their names stay when the product is updated: no longer than this. */
const FILE_MAX_AGE = 3600

/** Seconds a browser may keep what is made from the configuration: who changes it wants to see it. */
const BRAND_MAX_AGE = 300

const pageUnavailable = defineUnavailable('This page is not available right now')

type Headers = Record<string, string>

/** Serves a static asset, with the headers of API responses. */
async function asset(c: Context<AppEnv>, headers: Headers, request: Request = c.req.raw) {
  const found = await c.env.ASSETS.fetch(request).catch(() => {
    throw pageUnavailable()
  })
  if (found.status === 404) throw notFound(c.req.path)
  const response = new Response(found.body, found)
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
  return response
}

/** An asset with the brand in it. It changes with the configuration, which the ETag knows nothing of. */
async function brandedAsset(
  c: Context<AppEnv>,
  brand: (asset: Response, config: Config) => Response,
  headers: Headers,
) {
  const { url, method } = c.req
  const response = brand(await asset(c, headers, new Request(url, { method })), c.var.config)
  response.headers.delete('ETag')
  return response
}

type Page = {
  operationId: string
  summary: string
  /** Sources of images, besides the logo's origin. */
  images: string
  /** The rest of the policy. */
  policy: string
}

const page = ({ operationId, summary, images, policy }: Page, headers: Headers = {}) =>
  endpoint(
    contract({
      operationId,
      summary,
      description: 'HTML, for people.',
      responses: { 200: { description: 'A page', contentType: 'text/html' } },
    }),
    (c) => {
      const { logoUrl } = c.var.config.brand
      const logo = logoUrl ? ` ${new URL(logoUrl).origin}` : ''
      return brandedAsset(c, branded, {
        'Content-Security-Policy': `${PAGE_POLICY}; ${policy}; img-src ${images}${logo}`,
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cache-Control': 'no-store',
        ...headers,
      })
    },
  )

export const docs = page({
  operationId: 'getDocs',
  summary: 'Swagger UI',
  images: "'self' data:",
  policy: "style-src 'self'",
})

export const redoc = page({
  operationId: 'getRedoc',
  summary: 'ReDoc',
  images: "'self' data:",
  // ReDoc injects its styles, and searches in a worker that it makes from a blob.
  policy: "style-src 'self' 'unsafe-inline'; worker-src blob:",
})

/** For pages whose URL may contain a token or an email. */
const NO_REFERRER = { 'Referrer-Policy': 'no-referrer' }

const FORM = { images: "'self'", policy: "style-src 'self'" }

/** Where a reset link leads when there is no frontend. */
export const resetPasswordPage = page(
  { operationId: 'getResetPasswordPage', summary: 'Password reset form', ...FORM },
  NO_REFERRER,
)

/** Where a reset link is requested: for admins with `#account=admin`. */
export const forgotPasswordPage = page(
  { operationId: 'getForgotPasswordPage', summary: 'Form to request a reset link', ...FORM },
  NO_REFERRER,
)

/** Of what is made from the configuration. */
const BRAND_CACHING = { 'Cache-Control': `public, max-age=${BRAND_MAX_AGE}` }

export const brandStylesheet = endpoint((c) =>
  c.body(brandStyles(c.var.config), 200, {
    'Content-Type': 'text/css; charset=utf-8',
    ...BRAND_CACHING,
  }),
)

export const icon = endpoint((c) => brandedAsset(c, brandedIcon, BRAND_CACHING))

export const openApiDocument = endpoint(
  contract({
    operationId: 'getOpenApi',
    summary: 'OpenAPI document',
    description: 'This document. It is static: generate clients from it.',
    responses: {
      200: {
        description: 'OpenAPI 3.1',
        contentType: 'application/json',
        example: { openapi: '3.1.1', info: {}, paths: {} },
      },
    },
  }),
  (c) => asset(c, { 'Cache-Control': `public, max-age=${FILE_MAX_AGE}` }),
)

export const file = endpoint((c) =>
  asset(c, { 'Cache-Control': `public, max-age=${FILE_MAX_AGE}` }),
)
