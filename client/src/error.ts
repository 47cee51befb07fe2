import type { ErrorName } from './api.ts'

/** What is wrong with one field of the input. `field` is dotted: `address.city`. */
export type FieldError = { field: string; message: string; type: string }

/** `errors` of a 422; `field` of a 409: what is taken. Others by the name of the error. */
export type ErrorDetails = { errors?: FieldError[]; field?: string; [name: string]: unknown }

type Failure = Pick<ApiError, 'status' | 'error' | 'message'> &
  Partial<Pick<ApiError, 'requestId' | 'details' | 'retryAfter' | 'cause'>>

/** Every failure of a call but an abort, which rejects with the reason of its signal. */
export class ApiError extends Error {
  /** The HTTP status, or 0 if there was no response. */
  readonly status: number
  /**
   * The name in the body. Without a response from the service: `NetworkError` (none), `TimeoutError` with
   * status 0 (none in time), `UnexpectedResponse` (from something else on the way).
   */
  readonly error: ErrorName | 'NetworkError' | 'UnexpectedResponse'
  /** Identifies the log lines of the service. */
  readonly requestId: string | undefined
  readonly details: ErrorDetails | undefined
  /** Seconds to wait before the next attempt. */
  readonly retryAfter: number | undefined

  constructor({ status, error, message, requestId, details, retryAfter, cause }: Failure) {
    super(message, { cause })
    this.name = 'ApiError'
    this.status = status
    this.error = error
    this.requestId = requestId
    this.details = details
    this.retryAfter = retryAfter
  }

  /** The message for each field of the input: those of a 422, or the taken one of a 409. */
  get fields(): Readonly<Record<string, string>> {
    const { errors, field } = this.details ?? {}
    if (field) return { [field]: this.message }
    // The first message of a field wins.
    return Object.fromEntries((errors ?? []).map((each) => [each.field, each.message]).reverse())
  }
}

/**
 * Whether the service has rejected a token or a password. A 401 of a proxy on the way has another name: it
 * must sign nobody out.
 */
export const isUnauthorized = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.error === 'AuthenticationError'

/** What a call rejects with when there is no session to refresh, or it has become that of another account. */
export const notSignedIn = () =>
  new ApiError({ status: 401, error: 'AuthenticationError', message: 'Not signed in' })
