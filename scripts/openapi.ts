/**
 * Generates the OpenAPI document from the app's routes, the schemas that validate requests, and what
 * handlers declare with `documented`. What only readers need is in openapi/: examples of fields, sections.
 * None of this is part of the Worker.
 */
import * as z from 'zod'
import { createDocument, type ZodOpenApiOperationObject } from 'zod-openapi'
import packageJson from '../package.json' with { type: 'json' }
import { app } from '../src/app.ts'
import {
  databaseUnavailable,
  type ErrorFactory,
  internalError,
  serviceUnavailable,
} from '../src/errors.ts'
import { type Documentation, documentationOf, type ResponseDocumentation } from '../src/openapi.ts'
import { tooManyRequests } from '../src/rate-limit/limit.ts'
import { API_BASE, API_VERSION, type Deprecation } from '../src/versions.ts'
import type { Document } from './openapi/document.ts'
import { errorResponses } from './openapi/errors.ts'
import { addExamples } from './openapi/examples.ts'
import { OF_API, REQUEST_ID } from './openapi/headers.ts'
import { render } from './openapi/render.ts'
import { SECURITY_SCHEMES } from './openapi/security.ts'
import { TAGS } from './openapi/tags.ts'

const DESCRIPTION = `User accounts: sign-up, login, sessions, password reset, and their administration.

**Authentication.** Log in, and send the access token as \`Authorization: Bearer …\`. It is valid for
\`expires_in\` seconds; then send the refresh token for a new pair. Users and admins are separate accounts,
and so are their tokens.

**Errors** have one shape on every path. \`error\` is a fixed name; \`request_id\` is what support asks for. It
is that of \`X-Request-ID\`: a UUID that you send there is kept.

**Limits** are per client address, and stricter where passwords are guessed or emails sent. \`RateLimit\` and
\`RateLimit-Policy\` report them (draft-ietf-httpapi-ratelimit-headers-10) where a request was counted; 429 and
503 say in \`Retry-After\` when to try again.

**Versions.** All but what says otherwise is below \`/api/v1\`, and below \`/api\` for existing clients; responses
name the version in \`API-Version\`. Fields, operations and errors may be added to a version: ignore what you
don't know. What is to be removed is deprecated first, here and in \`Deprecation\` (RFC 9745) and \`Sunset\`
(RFC 8594) of its responses.

Bodies are JSON of at most 16 KiB, times are ISO 8601 in UTC. Browsers may call from the origins that the
service lists in \`CORS_ORIGINS\`.`

/** @returns the document, OpenAPI 3.1 */
export function buildOpenApi(): Document {
  const errors = errorResponses()
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const { method, path, parts } of documentedRoutes()) {
    const template = path.replace(/:(\w+)/g, '{$1}')
    const operation = operationOf(parts, template)
    const requested = template.replace(/^\/api\//, `${API_BASE}/`)
    const thrown = errors.responsesTo(errorsOf(parts, template), requested)
    const key = template.replace(/^\/api\//, '/')
    if (paths[key]?.[method.toLowerCase()]) throw new Error(`Two operations are ${method} ${key}`)
    paths[key] = {
      ...paths[key],
      [method.toLowerCase()]: { ...operation, responses: { ...thrown, ...operation.responses } },
    }
  }
  const document = createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Accounts API',
        version: packageJson.version,
        description: DESCRIPTION,
        contact: { name: 'The operator of this service' },
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [
        {
          url: API_BASE,
          description: `Version ${API_VERSION}, in production or elsewhere`,
          'x-internal': false,
        },
        {
          url: '/api',
          description: 'The same in production or elsewhere, for existing clients',
          'x-internal': false,
        },
      ],
      tags: TAGS.map(({ name, description }) => ({ name, description })),
      paths,
      components: {
        securitySchemes: SECURITY_SCHEMES,
        examples: errors.examples,
      },
    },
    { override: render },
  ) as unknown as Document
  addExamples(document)
  return document
}

/** The documented routes, each with what its handlers declare. */
function documentedRoutes() {
  const routes = new Map<string, { method: string; path: string; parts: Documentation[] }>()
  for (const { method, path, handler } of app.routes) {
    const part = documentationOf(handler)
    if (!part || method === 'ALL') continue
    const route = routes.get(`${method} ${path}`) ?? { method, path, parts: [] }
    route.parts.push(part)
    routes.set(`${method} ${path}`, route)
  }
  return routes.values()
}

function operationOf(parts: Documentation[], template: string): ZodOpenApiOperationObject {
  const all: Documentation = Object.assign({}, ...parts)
  const tag = TAGS.find(({ paths }) => paths.test(template))?.name ?? 'System'
  const { operationId, summary, security, body, query, params, headers, deprecated } = all
  const description = [all.description, deprecated && noteOf(deprecated)]
    .filter(Boolean)
    .join('\n\n')
  return {
    tags: [tag],
    ...(!isApi(template) && { servers: [{ url: '/', description: 'Not part of any version' }] }),
    ...(operationId && { operationId }),
    ...(summary && { summary }),
    ...(description && { description }),
    ...(deprecated && deprecatedUntil(deprecated, operationId)),
    // None is said too: an operation without authentication is meant to be one.
    security: security ?? [],
    ...((query || params || headers) && {
      requestParams: {
        ...(query && { query }),
        ...(params && { path: params }),
        ...(headers && { header: headers }),
      },
    }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: body } } },
    }),
    responses: Object.fromEntries(
      Object.entries(all.responses ?? {}).map(([status, response]) => [
        status,
        responseOf(response, template),
      ]),
    ),
  }
}

/** A response with neither schema nor content type has no body. */
function responseOf(
  { description, schema, contentType, headers, example }: ResponseDocumentation,
  template: string,
) {
  const isPage = contentType === 'text/html'
  return {
    description,
    headers: z.object({ ...REQUEST_ID, ...(isApi(template) && OF_API), ...headers?.shape }),
    ...((schema || contentType) && {
      content: {
        [contentType ?? 'application/json']: {
          schema: schema ?? (contentType?.startsWith('text/') ? z.string() : z.looseObject({})),
          ...(isPage && { example: '<!doctype html>…' }),
          ...(example !== undefined && { example }),
        },
      },
    }),
  }
}

/** Days between `since` and `sunset`: docs/api-changelog.md promises six months. */
const MIN_DEPRECATION_DAYS = 180
const DAY_MS = 24 * 60 * 60 * 1000

function deprecatedUntil({ since, sunset }: Deprecation, operationId?: string) {
  if (Date.parse(sunset) - Date.parse(since) >= MIN_DEPRECATION_DAYS * DAY_MS) {
    return { deprecated: true, 'x-sunset': sunset }
  }
  throw new Error(`${operationId} is deprecated for less than ${MIN_DEPRECATION_DAYS} days`)
}

const noteOf = ({ since, sunset, link }: Deprecation) =>
  `**Deprecated** since ${since}, may be gone from ${sunset}: [what to use instead](${link}).`

const isApi = (template: string) => template.startsWith('/api/')

/** The errors that the endpoint and its middleware declare, and those of all routes or of the API. */
function errorsOf(parts: Documentation[], template: string): ErrorFactory[] {
  const never = parts.flatMap((part) => part.neverErrors ?? [])
  const all = [
    ...parts.flatMap((part) => part.errors ?? []),
    ...(isApi(template) ? [tooManyRequests, databaseUnavailable] : []),
    ...(template.startsWith('/health') ? [] : [serviceUnavailable]),
    internalError,
  ]
  return [...new Set(all)].filter((error) => !never.includes(error))
}
