/** A server that responds as a test says, over HTTP, to see what the client sends and makes of it. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

export type Received = {
  /** Method and path: `GET /api/v1/users/me`. */
  call: string
  headers: IncomingMessage['headers']
  body: string
  /** When the caller closed the connection without a response. */
  closed: Promise<unknown>
}

export type Reply =
  | { status: number; headers?: Record<string, string>; body?: string | object }
  | 'disconnect'
  | 'hang'

/** Each call is answered by `reply`, and listed. Closed after the test. */
export async function startWire(reply: (received: Received) => Reply | Promise<Reply>) {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const closed = once(response, 'close')
    const body = await text(request)
    const { method, url, headers } = request
    const one = { call: `${method} ${url}`, headers, body, closed }
    received.push(one)
    const answer = await reply(one)
    if (answer === 'hang') return
    if (answer === 'disconnect') {
      request.socket.destroy()
      return
    }
    const isText = typeof answer.body === 'string'
    response.writeHead(answer.status, {
      'Content-Type': isText ? 'text/html' : 'application/json',
      ...answer.headers,
    })
    response.end(isText ? answer.body : JSON.stringify(answer.body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    /** Method and path of all calls so far. */
    calls: () => received.map(({ call }) => call),
  }
}

export const REQUEST_ID = '0b9b1f0e-7a55-4a53-9d0e-2f6b7c1d8e90'

/** A response as the service sends it. */
export const failure = (
  status: number,
  error: string,
  {
    message = error,
    details,
    ...headers
  }: { message?: string; details?: object } & Record<string, unknown> = {},
): Reply => ({
  status,
  headers: headers as Record<string, string>,
  body: {
    error,
    message,
    status_code: status,
    request_id: REQUEST_ID,
    ...(details && { details }),
  },
})

/** The claims are those of the service; nobody here checks the signature. */
const accessToken = (serial: number, id: number, role: string) =>
  ['{}', JSON.stringify({ id, role, serial }), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

/** A token pair, told apart by its serial number. */
export const tokenPair = (
  serial: number,
  { expires_in = 900, id = 7, role = 'user' } = {},
): Reply & { body: { access_token: string } } => ({
  status: 200,
  body: {
    access_token: accessToken(serial, id, role),
    refresh_token: `refresh-${serial}`,
    token_type: 'bearer',
    expires_in,
  } as { access_token: string },
})

/** The serial number of the access token of a call. */
export function serialOf({ headers }: Received): number | undefined {
  const [, claims] = headers.authorization?.split('.') ?? []
  return claims && JSON.parse(Buffer.from(claims, 'base64url').toString()).serial
}

export const LOGIN = { username: 'ada', password: 'correct horse battery staple' }
