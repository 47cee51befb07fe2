import type { Context } from 'hono'
import type { AppEnv } from '../../context.ts'
import { defineUnavailable, notFound } from '../../errors.ts'
import { contract, endpoint } from '../../openapi.ts'

/** What every page of ours may do: load its own scripts, call its own API, and nothing else. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Seconds a browser may keep a file. Their names stay when the product is updated: no longer than this. */
const FILE_MAX_AGE = 3600

const pageUnavailable = defineUnavailable('This page is not available right now')

/** Serves a static asset, with the headers of API responses. */
async function asset(c: Context<AppEnv>, headers: Record<string, string>) {
  const found = await c.env.ASSETS.fetch(c.req.raw).catch(() => {
    throw pageUnavailable()
  })
  if (found.status === 404) throw notFound(c.req.path)
  const response = new Response(found.body, found)
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
  return response
}

const page = (
  { operationId, summary }: { operationId: string; summary: string },
  policy: string,
  headers: Record<string, string> = {},
) =>
  endpoint(
    contract({
      operationId,
      summary,
      description: 'HTML, for people.',
      responses: { 200: { description: 'A page', contentType: 'text/html' } },
    }),
    (c) =>
      asset(c, {
        'Content-Security-Policy': `${PAGE_POLICY}; ${policy}`,
        'Cross-Origin-Opener-Policy': 'same-origin',
        ...headers,
      }),
  )

export const docs = page(
  { operationId: 'getDocs', summary: 'Swagger UI' },
  "style-src 'self'; img-src 'self' data:",
)

export const redoc = page(
  { operationId: 'getRedoc', summary: 'ReDoc' },
  // ReDoc injects its styles, and searches in a worker that it makes from a blob.
  "style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:",
)

/** Where a reset link leads when there is no frontend. Its URL may contain the token: no referrer is sent. */
export const resetPasswordPage = page(
  { operationId: 'getResetPasswordPage', summary: 'Password reset form' },
  "style-src 'self'; img-src 'self'",
  {
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  },
)

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
