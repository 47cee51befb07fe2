import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { BaseEnv } from './context.ts'
import { SessionEndedError } from './db/accounts.ts'
import { DatabaseError } from './db/client.ts'
import { log } from './log.ts'
import { requestedPath } from './versions.ts'

/** Every error of the API: its name in the body, and its status. Clients depend on both. */
export const ERRORS = {
  BadRequestError: 400,
  BusinessLogicError: 400,
  AuthenticationError: 401,
  AuthorizationError: 403,
  NotFoundError: 404,
  MethodNotAllowedError: 405,
  DuplicateRecordError: 409,
  ConflictError: 409,
  PayloadTooLargeError: 413,
  UnsupportedMediaTypeError: 415,
  ValidationError: 422,
  RateLimitError: 429,
  InternalServerError: 500,
  EmailServiceError: 502,
  ServiceUnavailableError: 503,
  DatabaseError: 503,
  TimeoutError: 504,
} as const satisfies Record<string, ContentfulStatusCode>

export type ErrorName = keyof typeof ERRORS

type Extra = { details?: Record<string, unknown>; headers?: Record<string, string> }

/** A response with status >= 400. Throw it anywhere; `onError` turns it into the uniform body. */
export class ApiError extends Error {
  override readonly name: ErrorName
  readonly details: Extra['details']
  readonly headers: Record<string, string>

  constructor(name: ErrorName, message: string, { details, headers = {} }: Extra = {}) {
    super(message)
    this.name = name
    this.details = details
    this.headers = headers
  }

  get status() {
    return ERRORS[this.name]
  }
}

/** Makes one error, each time it is thrown; the OpenAPI document lists it by the same value. */
export type ErrorFactory = {
  (extra?: Extra): ApiError
  readonly error: ErrorName
  readonly message: string
}

/**
 * An error that endpoints throw and document by one value.
 *
 * @param extra headers and details that it always has
 */
export function defineError(
  error: ErrorName,
  message: string,
  extra: () => Extra = () => ({}),
): ErrorFactory {
  const make = (more: Extra = {}) => new ApiError(error, message, { ...extra(), ...more })
  return Object.assign(make, { error, message })
}

/** 401 with the challenge that RFC 6750 section 3 asks for. */
export const defineUnauthenticated = (message: string) =>
  defineError('AuthenticationError', message, () => ({ headers: { 'WWW-Authenticate': 'Bearer' } }))

/** Seconds until a client may retry after an outage, jittered so that clients don't retry together. */
const retryAfter = () => ({ headers: { 'Retry-After': String(2 + Math.floor(Math.random() * 9)) } })

/** 503: a dependency is down. Never 401 or 409, which would not be true. */
export const defineUnavailable = (message: string) =>
  defineError('ServiceUnavailableError', message, retryAfter)

/** Missing, forged or expired token, or a session that has ended. */
export const notAuthenticated = defineUnauthenticated('Could not validate credentials')

export const databaseUnavailable = defineError(
  'DatabaseError',
  'The database is not available, please try again',
  retryAfter,
)

export const serviceUnavailable = defineUnavailable(
  'This is not available right now, please try again',
)

/** The caller is an admin but not a superadmin. */
export const superadminOnly = defineError('AuthorizationError', 'This needs a superadmin')

export const mailNotConfigured = defineUnavailable('Mail is not configured')

export const internalError = defineError('InternalServerError', 'An unexpected error occurred')

export const payloadTooLarge = defineError(
  'PayloadTooLargeError',
  'The request body is larger than 16 KiB',
)

export const validationFailed = defineError('ValidationError', 'Request validation failed')

/** One thing that is wrong with the input. `field` is dotted: `address.city`. */
type FieldError = { field: string; message: string; type: string }

/** 422, in the shape that clients of the former service parse. */
export const invalid = (errors: FieldError[]) => validationFailed({ details: { errors } })

export const notFound = (path: string) =>
  new ApiError('NotFoundError', `The requested resource '${path}' was not found`)

/** The one place where a thrown value becomes a response. It relies on no middleware having run. */
export function onError(thrown: unknown, c: Context<BaseEnv>) {
  const error = apiErrorOf(thrown)
  if (error.status === 500) log(c, 'error', 'unexpected_error', { reason: nameOf(thrown) })
  if (thrown instanceof DatabaseError && error.name === 'DatabaseError') {
    log(c, 'error', 'database_unavailable', { reason: thrown.code })
  }
  return respond(c, error)
}

export const onNotFound = (c: Context<BaseEnv>) => respond(c, notFound(requestedPath(c.req.raw)))

export const onMethodNotAllowed = (c: Context<BaseEnv>, methods: string[]) => {
  const headers = { Allow: [...methods, 'OPTIONS'].join(', ') }
  // Not `c.body`, which would keep the Content-Type of the 404 that this replaces.
  if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers })
  return respond(
    c,
    new ApiError('MethodNotAllowedError', `Method ${c.req.method} is not allowed here`, {
      headers,
    }),
  )
}

function respond(c: Context<BaseEnv>, error: ApiError) {
  c.set('errorName', error.name)
  return c.json(
    {
      error: error.name,
      message: error.message,
      status_code: error.status,
      timestamp: new Date().toISOString(),
      path: requestedPath(c.req.raw),
      request_id: c.var.requestId,
      ...(error.details && { details: error.details }),
    },
    error.status,
    error.headers,
  )
}

function apiErrorOf(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  if (thrown instanceof HTTPException && thrown.status === 413) {
    return payloadTooLarge()
  }
  if (thrown instanceof SessionEndedError) return notAuthenticated()
  if (thrown instanceof DatabaseError && !isOurFault(thrown)) return databaseUnavailable()
  return internalError()
}

/**
 * SQLSTATE classes that a healthy database returns for a wrong statement: data, constraints, syntax,
 * PL/pgSQL. All else (connection, credentials, read-only, resources, shutdown, deadlock, a garbled
 * response) is an outage of the database.
 */
const isOurFault = ({ code }: DatabaseError) => /^(2[123]|42|P0)/.test(code)

/** The class of what was thrown. Never its message, which may quote what a client sent. */
const nameOf = (thrown: unknown) => {
  if (thrown instanceof DatabaseError) return `sqlstate_${thrown.code}`
  return thrown instanceof Error ? thrown.name : typeof thrown
}
