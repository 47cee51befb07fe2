const TIMEOUT_MS = 15_000 // longer than the API's own timeouts

/** An error response of the API, or no response (status 0). The message is shown to the user. */
export class ApiError extends Error {
  constructor(status, message, { errors = [], retry_after } = {}) {
    super(message)
    this.status = status
    /** What is wrong with the input: `{field, message, type}`. */
    this.errors = errors
    /** Seconds until another attempt may succeed, if it was rejected for the limits. */
    this.retryAfter = retry_after
  }
}

/** Prefers the messages of the rejected fields, which say more than the summary. */
function errorFrom(status, { message, details = {} }) {
  const reasons = details.errors?.map((error) => error.message).join(' ')
  return new ApiError(
    status,
    reasons || message || `The service returned status ${status}.`,
    details,
  )
}

/** Posts JSON to the API and returns the body of the response. Throws an ApiError otherwise. */
export async function post(path, body) {
  const request = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }
  const response = await fetch(path, request).catch(() => {
    throw new ApiError(0, 'The service is not responding. Check your connection and try again.')
  })
  const content = await response.json().catch(() => ({}))
  if (!response.ok) throw errorFrom(response.status, content)
  return content
}
