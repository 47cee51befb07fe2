const TIMEOUT_MS = 15_000 // longer than the API's own bounds, so that its answer wins

/** A refusal of the API, or its silence (status 0), with a message for people to read. */
export class ApiError extends Error {
  constructor(status, message, fields = []) {
    super(message)
    this.status = status
    this.fields = fields
  }
}

/** A rejected field's own words say more than the summary. */
function refusal(status, body) {
  const errors = body.details?.errors ?? []
  const reasons = errors.map((error) => error.message).join(' ')
  const message = reasons || body.message || `The service answered with status ${status}.`
  return new ApiError(
    status,
    message,
    errors.map((error) => error.field),
  )
}

/** Posts JSON to the API and resolves with its answer; throws an ApiError for anything else. */
export async function post(path, body) {
  const request = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }
  const response = await fetch(path, request).catch(() => {
    throw new ApiError(0, 'The service does not answer. Check your connection and try again.')
  })
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw refusal(response.status, answer)
  return answer
}
