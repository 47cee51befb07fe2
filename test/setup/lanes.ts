/**
 * The tests' side of the fault proxy (`fault-proxy.ts`): only `fetch`, so that it works inside
 * workerd.
 */

export type Target = 'neon' | 'upstash' | 'resend'

/** What happens to a request in a lane. */
export type Fault = (
  | {
      /**
       * - `none`: forwarded
       * - `refuse`: the connection ends before anything is forwarded or answered
       * - `hang`: nothing is forwarded, and no answer comes for as long as the client waits
       * - `garbage`: 200 with bytes of no protocol, nothing forwarded
       * - `cut`: forwarded; headers and half of the answer's body arrive, then the connection ends
       * - `lose-answer`: forwarded and carried out, then the connection ends without an answer
       */
      kind: 'none' | 'refuse' | 'hang' | 'garbage' | 'cut' | 'lose-answer'
    }
  /** Forwarded `ms` milliseconds late, even if the client went meanwhile. */
  | { kind: 'slow'; ms: number }
  /** Answered with this, nothing forwarded. */
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
) & {
  /** Only the next so many requests that match; then the lane is calm again. */
  times?: number
  /** Only requests with this in their path or body. */
  match?: string
}

export interface LoggedRequest {
  /** When it arrived, as ISO 8601. */
  at: string
  /** Milliseconds since 1970, with fractions, to tell what ran side by side. */
  startedAt: number
  /** When the answer was out or the connection over; null while under way. */
  endedAt: number | null
  method: string
  /** Path and query, without the lane's own part. */
  path: string
  /** Without credentials. */
  headers: Record<string, string>
  body: string
  /** What the client was answered; null while under way, or if it got no whole answer. */
  status: number | null
  /** The fault that struck it, or `none`. */
  fault: Fault['kind']
}

export interface Lane {
  /** Stands for the target: whatever is below it is forwarded. */
  url: string
  /** Takes the place of an earlier fault. */
  fault(fault: Fault): Promise<void>
  /** Ends the fault; requests that hang go on hanging. */
  calm(): Promise<void>
  /** The requests since the lane was opened or cleared, oldest first. */
  log(): Promise<LoggedRequest[]>
  clear(): Promise<void>
  /** Ends the lane, with the requests that hang in it. */
  close(): Promise<void>
}

/** Opens a way to the target that no other test file uses. */
export async function openLane(proxyUrl: string, target: Target): Promise<Lane> {
  const { id, url } = await call<{ id: string; url: string }>(proxyUrl, 'POST', '/lanes', {
    target,
  })
  const path = `/lanes/${id}`
  const fault = (fault: Fault) => call<void>(proxyUrl, 'PUT', `${path}/fault`, fault)
  return {
    url,
    fault,
    calm: () => fault({ kind: 'none' }),
    log: () => call<LoggedRequest[]>(proxyUrl, 'GET', `${path}/log`),
    clear: () => call<void>(proxyUrl, 'DELETE', `${path}/log`),
    close: () => call<void>(proxyUrl, 'DELETE', path),
  }
}

async function call<T>(proxyUrl: string, method: string, path: string, body?: object): Promise<T> {
  const init = body ? { method, body: JSON.stringify(body) } : { method }
  const response = await fetch(proxyUrl + path, init)
  const text = await response.text()
  if (!response.ok) throw new Error(`The fault proxy refused ${method} ${path}: ${text}`)
  return JSON.parse(text || 'null')
}
