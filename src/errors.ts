import { DrizzleQueryError } from 'drizzle-orm'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from './context.ts'
import { sqlState } from './db/client.ts'
import { log } from './log.ts'

/** Every error the API answers with: its name in the body, and its status. Clients depend on both. */
export const ERRORS = {
  BadRequestError: 400,
  BusinessLogicError: 400,
  AuthenticationError: 401,
  AuthorizationError: 403,
  NotFoundError: 404,
  MethodNotAllowedError: 405,
  DuplicateRecordError: 409,
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

/** An answer with status >= 400. Throw it anywhere; `onError` turns it into the uniform body. */
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

/** 401 with the challenge that RFC 6750 section 3 asks for. */
export const unauthenticated = (message: string) =>
  new ApiError('AuthenticationError', message, { headers: { 'WWW-Authenticate': 'Bearer' } })

/** Seconds after which a client may try again what a dead dependency refused. Jittered: no herd. */
const retryAfter = () => String(2 + Math.floor(Math.random() * 9))

/** 503: something we depend on is away. Never 401 or 409, which would tell the client a lie. */
export const unavailable = (
  message: string,
  name: 'ServiceUnavailableError' | 'DatabaseError' = 'ServiceUnavailableError',
) => new ApiError(name, message, { headers: { 'Retry-After': retryAfter() } })

const databaseUnavailable = () =>
  unavailable('The database is not available, please try again', 'DatabaseError')

/** The one place where a thrown thing becomes an answer. It relies on no middleware having run. */
export function onError(thrown: unknown, c: Context<AppEnv>) {
  const error = apiErrorOf(thrown)
  if (error.status === 500) log(c, 'error', 'unexpected_error', { reason: nameOf(thrown) })
  if (error.name === 'DatabaseError') {
    log(c, 'error', 'database_unavailable', { reason: sqlState(thrown) ?? 'no_answer' })
  }
  return answer(c, error)
}

export const onNotFound = (c: Context<AppEnv>) =>
  answer(c, new ApiError('NotFoundError', `The requested resource '${c.req.path}' was not found`))

export const onMethodNotAllowed = (c: Context<AppEnv>, methods: string[]) => {
  const headers = { Allow: [...methods, 'OPTIONS'].join(', ') }
  // Not `c.body`, which would keep the Content-Type of the 404 that this replaces.
  if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers })
  return answer(
    c,
    new ApiError('MethodNotAllowedError', `Method ${c.req.method} is not allowed here`, {
      headers,
    }),
  )
}

function answer(c: Context<AppEnv>, error: ApiError) {
  return c.json(
    {
      error: error.name,
      message: error.message,
      status_code: error.status,
      timestamp: new Date().toISOString(),
      path: c.req.path,
      request_id: c.get('requestId'),
      ...(error.details && { details: error.details }),
    },
    error.status,
    error.headers,
  )
}

function apiErrorOf(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  if (thrown instanceof HTTPException && thrown.status === 413) {
    return new ApiError('PayloadTooLargeError', 'The request body is larger than 16 KiB')
  }
  if (thrown instanceof DrizzleQueryError && !isOurFault(thrown)) return databaseUnavailable()
  return new ApiError('InternalServerError', 'An unexpected error occurred')
}

/**
 * SQLSTATE classes that a healthy database answers to a wrong statement: data, constraints, syntax,
 * PL/pgSQL. All else (connection, credentials, read-only, resources, shutdown, deadlock, an answer
 * that is none) is the database's trouble, not ours.
 */
const isOurFault = (error: DrizzleQueryError) => /^(2[123]|42|P0)/.test(sqlState(error) ?? '')

/** The class of what was thrown. Never its message: a driver's prints parameters, hashes included. */
const nameOf = (thrown: unknown) => {
  if (thrown instanceof DrizzleQueryError) return `sqlstate_${sqlState(thrown)}`
  return thrown instanceof Error ? thrown.name : typeof thrown
}
