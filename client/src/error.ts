import type { ErrorName } from './api.ts'

/** What is wrong with one field of the input: an entry of `details.errors` of a 422. */
export type FieldError = { field: string; message: string; type: string }

/** One thing that went wrong. */
type Failure = {
  status: number
  error: ErrorName | 'NetworkError' | 'UnexpectedResponse'
  message: string
  requestId?: string | undefined
  details?: Record<string, unknown> | undefined
  retryAfter?: number | undefined
  cause?: unknown
}

/** Every failure of a call but an abort, which rejects with the reason of its signal. */
export class ApiError extends Error {
  /** The HTTP status, or 0 if there was no response. */
  readonly status: Failure['status']
  /**
   * The name in the body. Without a response from the service: `NetworkError` (none), `TimeoutError` with
   * status 0 (none in time), `UnexpectedResponse` (from something else on the way).
   */
  readonly error: Failure['error']
  /** Identifies the log lines of the service. Show it, or include it in bug reports. */
  readonly requestId: Failure['requestId']
  /** What the error says besides, by name: see the API's documentation. */
  readonly details: Failure['details']
  /** Seconds after which the service wants to hear of it again. */
  readonly retryAfter: Failure['retryAfter']

  constructor({ message, cause, ...failure }: Failure) {
    super(message, { cause })
    this.name = 'ApiError'
    this.status = failure.status
    this.error = failure.error
    this.requestId = failure.requestId
    this.details = failure.details
    this.retryAfter = failure.retryAfter
  }

  /** What to show beside each field: of a 422, or of a 409 that names a taken username or email. */
  get fields(): Readonly<Record<string, string>> {
    return {}
  }
}
