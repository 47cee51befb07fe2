/** Client of the fault proxy (`fault-proxy.ts`). Uses only `fetch`, so that it runs inside workerd. */

export type Target = 'neon' | 'upstash' | 'resend'

/** What happens to a request in a lane. */
export type Fault = (
  | {
      /**
       * - `none`: forwarded
       * - `disconnect`: the connection is closed before anything is forwarded
       * - `hang`: nothing is forwarded, and no response is sent
       * - `garbage`: 200 with a body that is neither JSON nor UTF-8, nothing forwarded
       * - `cut`: forwarded; the connection is closed after the headers and half of the body
       * - `lose-response`: forwarded and executed; the connection is closed without a response
       */
      kind: 'none' | 'disconnect' | 'hang' | 'garbage' | 'cut' | 'lose-response'
    }
  /** Forwarded after `ms` milliseconds, even if the client has disconnected. */
  | { kind: 'slow'; ms: number }
  /** This response is sent, nothing is forwarded. */
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
) & {
  /** Only for this number of matching requests. */
  times?: number
  /** The fault after those; none unless given. */
  next?: Fault
  /** Only for requests with this text in their path or body. */
  match?: string
}

export interface LoggedRequest {
  /** Milliseconds since 1970, with fractions, to see which requests overlapped. */
  startedAt: number
  /** When the response was sent or the connection closed; null before that. */
  endedAt: number | null
  method: string
  path: string
  /** Without credentials. */
  headers: Record<string, string>
  body: string
  /** Status of the response; null unless all of it was sent. */
  status: number | null
  fault: Fault['kind']
}

export interface Lane {
  /** Replaces the target's URL: every path below it is forwarded. */
  url: string
  fault(fault: Fault): Promise<void>
  /** Ends the fault. Requests that hang stay open. */
  calm(): Promise<void>
  /** The requests since the lane was opened or cleared, oldest first. */
  log(): Promise<LoggedRequest[]>
  clear(): Promise<void>
  /** Closes the lane and the requests that hang in it. */
  close(): Promise<void>
}

/** Opens a lane to the target that no other caller uses. */
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
  if (!response.ok) throw new Error(`The fault proxy rejected ${method} ${path}: ${text}`)
  return JSON.parse(text || 'null')
}
