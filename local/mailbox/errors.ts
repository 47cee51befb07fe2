/**
 * The names and status codes of Resend's errors.
 *
 * @see https://resend.com/docs/api-reference/errors
 */
const STATUS = {
  invalid_idempotency_key: 400,
  validation_error: 422,
  missing_api_key: 401,
  invalid_api_key: 403,
  not_found: 404,
  method_not_allowed: 405,
  invalid_idempotent_request: 409,
  concurrent_idempotent_requests: 409,
  invalid_attachment: 422,
  invalid_from_address: 422,
  invalid_parameter: 422,
  missing_required_field: 422,
} as const

/** Returned to the caller as `{statusCode, name, message}`. */
export class ResendError extends Error {
  readonly statusCode: number
  override readonly name: keyof typeof STATUS

  constructor(name: keyof typeof STATUS, message: string, statusCode: number = STATUS[name]) {
    super(message)
    this.name = name
    this.statusCode = statusCode
  }

  toJSON() {
    return { statusCode: this.statusCode, name: this.name, message: this.message }
  }
}
