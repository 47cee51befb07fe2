import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { handle, type LaneState } from './fault-lane.ts'
import type { Fault, Target } from './lanes.ts'

export interface FaultProxy {
  url: string
  close(): Promise<void>
}

const KINDS: Fault['kind'][] = [
  'none',
  'disconnect',
  'hang',
  'slow',
  'status',
  'garbage',
  'cut',
  'lose-response',
]

const REQUIRED_FIELDS: Partial<Record<Fault['kind'], string>> = { slow: 'ms', status: 'status' }

/**
 * Starts a reverse proxy that simulates network failures and failing servers. Tests control it over
 * HTTP because they run inside workerd; `lanes.ts` is the client.
 *
 * - `POST /lanes` `{target}` -> `{id, url}`: a lane to a target, separate for each caller
 * - `PUT /lanes/:id/fault`: a {@link Fault}
 * - `GET /lanes/:id/log`, `DELETE /lanes/:id/log`, `DELETE /lanes/:id`
 * - `/lane/:id/…`: forwarded to the target, or not
 */
export async function startFaultProxy(options: {
  targets: Record<Target, string>
}): Promise<FaultProxy> {
  const { targets } = options
  const lanes = new Map<string, LaneState>()
  let url = ''

  const server = createServer((request, response) => {
    route(request, response).catch((error: unknown) => {
      if (!response.headersSent) reply(response, 502, { error: String(error) })
      else response.destroy()
    })
  })

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, kind, id = '', rest = ''] = /^\/(lanes?)\/?([^/?]*)(.*)$/.exec(request.url ?? '') ?? []
    const lane = lanes.get(id)
    if (kind === 'lane' && lane) return handle(lane, request, response, rest)
    if (kind === 'lanes' && (lane || id === '')) return control(request, response, id, rest)
    request.resume()
    reply(response, 404, { error: `There is no lane "${id}" at ${request.method} ${request.url}` })
  }

  async function control(
    request: IncomingMessage,
    response: ServerResponse,
    id: string,
    rest: string,
  ): Promise<void> {
    const body = await buffer(request)
    const lane = lanes.get(id)
    switch (`${request.method} ${lane ? '/:id' : ''}${rest}`) {
      case 'POST ': {
        const { target } = JSON.parse(body.toString())
        const base = Object.entries(targets).find(([name]) => name === target)?.[1]
        if (!base) return reply(response, 400, { error: `There is no target "${target}"` })
        const id = randomUUID()
        lanes.set(id, { base, fault: { kind: 'none' }, log: [], waiting: new Set() })
        return reply(response, 200, { id, url: `${url}/lane/${id}` })
      }
      case 'PUT /:id/fault': {
        const fault: Fault = JSON.parse(body.toString())
        const problem = problemOf(fault)
        if (problem) return reply(response, 400, { error: problem })
        if (lane) lane.fault = fault
        return reply(response, 200, null)
      }
      case 'GET /:id/log':
        return reply(response, 200, lane?.log ?? [])
      case 'DELETE /:id/log':
        if (lane) lane.log.length = 0
        return reply(response, 200, null)
      case 'DELETE /:id':
        lanes.delete(id)
        for (const socket of lane?.waiting ?? []) socket.destroy()
        return reply(response, 200, null)
      default:
        return reply(response, 404, { error: `There is no ${request.method} ${request.url}` })
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`
  return {
    url,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function problemOf(fault: Fault): string | undefined {
  if (!KINDS.includes(fault.kind)) return `A fault's kind is one of ${KINDS.join(', ')}`
  const field = REQUIRED_FIELDS[fault.kind]
  const missing = field && typeof Reflect.get(fault, field) !== 'number'
  if (missing) return `The fault "${fault.kind}" needs ${field}`
  return fault.next && problemOf(fault.next)
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
