export type Sent = {
  method?: string
  headers?: Record<string, string>
  /** Sent as JSON unless it is text. */
  body?: object | string
  token?: string
}

/** A response, read to its end. */
export type Reply = {
  /** For reports: `GET /health`. */
  request: string
  status: number
  headers: Headers
  text: string
  /** Undefined if the body is not JSON. */
  json: unknown
}

export type Call = (path: string, sent?: Sent) => Promise<Reply>

/** Calls the service at `url`. Redirects are not followed: the service has none. */
export const callService =
  (url: string, signal: AbortSignal): Call =>
  async (path, { method = 'GET', headers, body, token } = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(typeof body === 'object' && { 'Content-Type': 'application/json' }),
        ...(token && { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'object' ? JSON.stringify(body) : body }),
      redirect: 'manual',
      signal,
    })
    const text = await response.text()
    const { status, headers: received } = response
    return { request: `${method} ${path}`, status, headers: received, text, json: parse(text) }
  }

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
