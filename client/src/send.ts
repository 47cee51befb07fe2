import type { ErrorName } from './api.ts'
import { ApiError, type ErrorDetails } from './error.ts'

export type Fetch = (input: string, init: RequestInit) => Promise<Response>

export type Request = {
  url: string
  init: RequestInit & { headers: Record<string, string> }
  /** Whether it changes nothing when it is sent twice. */
  isRepeatable: boolean
  /** Whether it is still wanted after a wait; absent: always. */
  isWanted?: (() => boolean) | undefined
  signal?: AbortSignal | undefined
  /** Milliseconds for one attempt. */
  timeout: number
  fetch: Fetch
}

const ATTEMPTS = 3

/** How long one wait between attempts may grow by chance, per attempt so far. */
const JITTER_MS = 500

/** The most that `Retry-After` is waited for: a 503 of the service asks for up to 10 seconds. */
const LONGEST_WAIT_SECONDS = 10

/** What says that nothing may have been done, or that it does not matter. */
const NOTHING_DONE = [429]
const NOT_KNOWN = [0, 502, 503, 504, ...NOTHING_DONE]

/**
 * Sends a request, again where that is safe.
 *
 * @returns the parsed body
 * @throws ApiError, or the reason of the signal
 */
export async function send<Body>(request: Request): Promise<Body> {
  const { isRepeatable, isWanted = () => true, signal } = request
  for (let attempt = 1; ; attempt++) {
    try {
      return await sendOnce<Body>(request)
    } catch (error) {
      if (!(error instanceof ApiError) || attempt === ATTEMPTS) throw error
      const { status, retryAfter = 0 } = error
      const mayRepeat = (isRepeatable ? NOT_KNOWN : NOTHING_DONE).includes(status)
      if (!mayRepeat || retryAfter > LONGEST_WAIT_SECONDS) throw error
      await sleep(retryAfter * 1000 + Math.random() * JITTER_MS * attempt, signal)
      if (!isWanted()) throw error
    }
  }
}

async function sendOnce<Body>({ url, init, signal, timeout, fetch }: Request): Promise<Body> {
  const limit = AbortSignal.timeout(timeout)
  try {
    signal?.throwIfAborted()
    const response = await fetch(url, {
      ...init,
      // The service redirects nobody: where something else would, passwords and tokens must not go.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    })
    return parse(response, await response.text())
  } catch (cause) {
    if (cause instanceof ApiError) throw cause
    if (signal?.aborted) throw signal.reason
    throw new ApiError({
      status: 0,
      ...(limit.aborted
        ? { error: 'TimeoutError', message: `No response in ${timeout} ms` }
        : { error: 'NetworkError', message: 'The service cannot be reached' }),
      cause,
    })
  }
}

type ErrorBody = { error: ErrorName; message: string; request_id: string; details?: ErrorDetails }

function parse<Body>({ ok, status, headers }: Response, text: string): Body {
  const body = jsonOf(text)
  if (ok && (body !== undefined || status === 204)) return body
  const { error, message, request_id, details }: Partial<ErrorBody> = body ?? {}
  throw new ApiError({
    status,
    error: error ?? 'UnexpectedResponse',
    message: message ?? `Unexpected response with status ${status}`,
    requestId: request_id ?? headers.get('X-Request-ID') ?? undefined,
    details,
    retryAfter: secondsOf(headers.get('Retry-After')),
  })
}

function jsonOf(text: string) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `Retry-After` is a number of seconds or, from other servers on the way, a date. */
function secondsOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined
  const number = Number(retryAfter)
  const seconds = Number.isNaN(number) ? (Date.parse(retryAfter) - Date.now()) / 1000 : number
  return Number.isNaN(seconds) ? undefined : Math.max(seconds, 0)
}

/** An abort rejects, and leaves no timer: it would keep a process of Node running. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const slept = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return unlessAborted(slept, signal).finally(() => clearTimeout(timer))
}

/** The promise, or a rejection as soon as the signal aborts. */
export function unlessAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
