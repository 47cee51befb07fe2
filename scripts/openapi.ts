/**
 * Generates the OpenAPI document from the app's routes, the schemas that validate requests, and what
 * handlers declare with `documented`. The generator is not part of the Worker.
 */
import * as z from 'zod'
import { createDocument, type ZodOpenApiOperationObject } from 'zod-openapi'
import packageJson from '../package.json' with { type: 'json' }
import { app } from '../src/app.ts'
import {
  databaseUnavailable,
  ERRORS,
  type ErrorFactory,
  type ErrorName,
  internalError,
  serviceUnavailable,
} from '../src/errors.ts'
import { type Documentation, documentationOf, type ResponseDocumentation } from '../src/openapi.ts'
import { tooManyRequests } from '../src/rate-limit/limit.ts'

const ErrorBody = z
  .object({
    error: z.enum(Object.keys(ERRORS) as [ErrorName, ...ErrorName[]]),
    message: z.string(),
    status_code: z.int(),
    timestamp: z.iso.datetime(),
    path: z.string(),
    request_id: z.uuid(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Error', description: 'The body of every response with status >= 400' })

const TAGS = {
  '/api/users': 'Users',
  '/api/admins': 'Admins',
  '/api/password': 'Password',
  '/': 'System',
} as const

const DESCRIPTION = `User accounts at the edge: sign-up, login, sessions, password reset.

Log in, then send the access token as \`Authorization: Bearer …\`. It expires after 15 minutes; use
the refresh token to get a new pair. All errors have the same shape. The RateLimit headers report the
limits; 429 and 503 carry \`Retry-After\`.`

type Operation = ZodOpenApiOperationObject

/** @returns the document, OpenAPI 3.1 */
export function buildOpenApi(): object {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const { method, path, parts } of documentedRoutes()) {
    const template = path.replace(/:(\w+)/g, '{$1}')
    paths[template] = {
      ...paths[template],
      [method.toLowerCase()]: operationOf(parts, template),
    }
  }
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'ADL Production API',
        version: packageJson.version,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: Object.values(TAGS).map((name) => ({ name })),
      paths,
      components: {
        securitySchemes: {
          bearerAuth: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          userRefreshCookie: { type: 'apiKey', in: 'cookie', name: '__Host-refresh_users' },
          adminRefreshCookie: { type: 'apiKey', in: 'cookie', name: '__Host-refresh_admins' },
          bootstrapToken: { type: 'apiKey', in: 'header', name: 'X-Bootstrap-Token' },
        },
      },
    },
    {
      override: ({ zodSchema, jsonSchema }) => {
        if (zodSchema._zod.def.type !== 'date') return
        jsonSchema.type = 'string'
        jsonSchema.format = 'date-time'
      },
    },
  )
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

function operationOf(parts: Documentation[], template: string): Operation {
  const all: Documentation = Object.assign({}, ...parts)
  const errors = parts.flatMap((part) => part.errors ?? [])
  const tag = Object.entries(TAGS).find(([prefix]) => template.startsWith(prefix))?.[1] ?? 'System'
  const { operationId, summary, description, security, body, query, params, headers } = all
  return {
    tags: [tag],
    ...(operationId && { operationId }),
    ...(summary && { summary }),
    ...(description && { description }),
    ...(security && { security }),
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
    responses: {
      ...Object.fromEntries(
        Object.entries(all.responses ?? {}).map(([status, response]) => [
          status,
          responseOf(response),
        ]),
      ),
      ...errorResponses(errorsOf(errors, all.neverErrors ?? [], template)),
    },
  }
}

const RequestId = z.uuid().meta({ description: "The request's id, also in the log" })

/** A response with neither schema nor content type has no body. */
const responseOf = ({ description, schema, contentType, headers }: ResponseDocumentation) => ({
  description,
  headers: z.object({ 'X-Request-ID': RequestId, ...headers?.shape }),
  ...((schema || contentType) && {
    content: {
      [contentType ?? 'application/json']: {
        schema: schema ?? (contentType === 'text/html' ? z.string() : z.looseObject({})),
      },
    },
  }),
})

/** The errors that the endpoint and its middleware declare, and those of all routes or of the API. */
function errorsOf(
  named: readonly ErrorFactory[],
  never: readonly ErrorFactory[],
  template: string,
): ErrorFactory[] {
  const isApi = template.startsWith('/api/')
  const isHealthCheck = template.startsWith('/health')
  const all = [
    ...named,
    ...(isApi ? [tooManyRequests, databaseUnavailable] : []),
    ...(isHealthCheck ? [] : [serviceUnavailable]),
    internalError,
  ]
  return [...new Set(all)].filter((error) => !never.includes(error))
}

function errorResponses(errors: readonly ErrorFactory[]) {
  const byStatus = Map.groupBy(errors, ({ error }) => ERRORS[error])
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: [...new Set(group.map(({ error }) => error))].join(' or '),
        headers: z.object({ 'X-Request-ID': RequestId, ...HEADERS_OF[status] }),
        content: {
          'application/json': {
            schema: ErrorBody,
            examples: Object.fromEntries(
              group.map((error) => [error.message, { value: exampleOf(error) }]),
            ),
          },
        },
      },
    ]),
  )
}

const RetryAfter = z.string().meta({ description: 'Seconds to wait' })

const HEADERS_OF: Readonly<Record<number, Record<string, z.ZodType> | undefined>> = {
  401: { 'WWW-Authenticate': z.literal('Bearer').meta({ description: 'RFC 6750' }) },
  429: { 'Retry-After': RetryAfter },
  503: { 'Retry-After': RetryAfter },
}

const exampleOf = (factory: ErrorFactory) => {
  const { name, message, status, details } = factory()
  return {
    error: name,
    message,
    status_code: status,
    timestamp: '2026-01-01T12:00:00.000Z',
    path: '/api/…',
    request_id: '0b9b1f0e-7a55-4a53-9d0e-2f6b7c1d8e90',
    ...(details && { details }),
    ...(name === 'ValidationError' && {
      details: {
        errors: [{ field: 'email', message: 'must be an email address', type: 'invalid_format' }],
      },
    }),
  }
}
