/**
 * The OpenAPI document, from the schemas that validate: it reads the routes of the app and what each
 * of their handlers notes with `documented`. The generator stays out of the Worker.
 */
import * as z from 'zod'
import { createDocument, type ZodOpenApiOperationObject } from 'zod-openapi'
import packageJson from '../package.json' with { type: 'json' }
import { app } from '../src/app.ts'
import { type Answer, type Documentation, documentationOf } from '../src/openapi.ts'
import { ERRORS, type ErrorName } from '../src/errors.ts'

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
  .meta({ id: 'Error', description: 'Every answer with status >= 400' })

const TAGS = {
  '/api/users': 'Users',
  '/api/admins': 'Admins',
  '/api/password': 'Password',
  '/': 'System',
} as const

const DESCRIPTION = `User accounts at the edge: sign-up, login, sessions, password reset.

Log in, then send the access token as \`Authorization: Bearer …\`. It lasts 15 minutes; the refresh
token answers the next pair. Errors have one shape everywhere; limits are told by the RateLimit
headers, and 429 and 503 by \`Retry-After\`.`

type Operation = ZodOpenApiOperationObject

/** @returns the document, OpenAPI 3.1 */
export function buildOpenApi(): object {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const { method, path, parts } of documentedRoutes()) {
    const template = path.replace(/:(\w+)/g, '{$1}')
    paths[template] = {
      ...paths[template],
      [method.toLowerCase()]: operationOf(parts, { method, template }),
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

/** The routes that document themselves, each with the parts its handlers noted. */
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

function operationOf(
  parts: Documentation[],
  { method, template }: { method: string; template: string },
): Operation {
  const all: Documentation = Object.assign({}, ...parts)
  const tag = Object.entries(TAGS).find(([prefix]) => template.startsWith(prefix))?.[1] ?? 'System'
  const { summary, description, security, body, query, params } = all
  return {
    tags: [tag],
    ...(summary && { summary }),
    ...(description && { description }),
    operationId: operationId(method, template),
    ...(security && { security }),
    ...((query || params) && {
      requestParams: { ...(query && { query }), ...(params && { path: params }) },
    }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: body } } },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(all.answers ?? {}).map(([status, answer]) => [status, answerOf(answer)]),
      ),
      ...errorsOf(all, tag, template),
    },
  }
}

/** `POST /api/users/me/sessions/{id}` becomes `postUsersMeSessionsId`. */
const operationId = (method: string, template: string) =>
  method.toLowerCase() +
  (template.replace(/^\/api/, '').match(/\w+/g) ?? ['welcome'])
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

const RequestId = z.uuid().meta({ description: "The request's id, also in the log" })

/** Without a schema and a media type there is no body. */
const answerOf = ({ description, schema, contentType }: Answer) => ({
  description,
  headers: z.object({ 'X-Request-ID': RequestId }),
  ...((schema || contentType) && {
    content: {
      [contentType ?? 'application/json']: {
        schema: schema ?? (contentType === 'text/html' ? z.string() : z.looseObject({})),
      },
    },
  }),
})

/** The errors that an endpoint names, and those which its middleware can answer, with an example each. */
function errorsOf(all: Documentation, tag: string, template: string) {
  const messages: Partial<Record<ErrorName, string>> = {
    ...(all.security && {
      AuthenticationError: 'Could not validate credentials',
      AuthorizationError: `This needs the token of ${tag === 'Users' ? 'a user' : 'an admin'}`,
    }),
    ...(all.body && {
      PayloadTooLargeError: 'The request body is larger than 16 KiB',
      UnsupportedMediaTypeError: 'The body must be application/json',
    }),
    ...((all.body || all.query || all.params) && { ValidationError: 'Request validation failed' }),
    ...(all.limited && {
      RateLimitError: 'Too many requests, please try again later',
      DatabaseError: 'The database is not available, please try again',
    }),
    ...(!template.startsWith('/health') && {
      ServiceUnavailableError: 'This is not available right now, please try again',
    }),
    InternalServerError: 'An unexpected error occurred',
    ...all.errors,
  }
  const byStatus = Map.groupBy(
    Object.entries(messages) as [ErrorName, string][],
    ([name]) => ERRORS[name],
  )
  return Object.fromEntries(
    [...byStatus].map(([status, errors]) => [
      status,
      {
        description: errors.map(([name]) => name).join(' or '),
        headers: z.object({ 'X-Request-ID': RequestId, ...HEADERS_OF[status] }),
        content: {
          'application/json': {
            schema: ErrorBody,
            examples: Object.fromEntries(
              errors.map(([name, message]) => [name, { value: exampleOf(name, message) }]),
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

const exampleOf = (name: ErrorName, message: string) => ({
  error: name,
  message,
  status_code: ERRORS[name],
  timestamp: '2026-01-01T12:00:00.000Z',
  path: '/api/…',
  request_id: '0b9b1f0e-7a55-4a53-9d0e-2f6b7c1d8e90',
  ...(name === 'ValidationError' && {
    details: {
      errors: [{ field: 'email', message: 'must be an email address', type: 'invalid_format' }],
    },
  }),
  ...(name === 'DuplicateRecordError' && { details: { resource: 'User', field: 'email' } }),
})
