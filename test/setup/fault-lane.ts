import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, LoggedRequest } from './lanes.ts'

export interface LaneState {
  base: string
  fault: Fault
  log: LoggedRequest[]
  /** The connections of requests that hang. */
  waiting: Set<Socket>
}

/** Bounds the memory of a lane that is never cleared. */
const MAX_LOGGED = 10_000

const CREDENTIALS = /^(authorization|cookie|neon-connection-string)$/
const HOP_BY_HOP = /^(host|connection|keep-alive|transfer-encoding|te|trailer|upgrade)$/

/** Neither JSON nor UTF-8. */
const GARBAGE = Buffer.from([0x3c, 0xff, 0xfe, 0x00, 0x7b, 0x22, 0x5d, 0x80, 0x3c])

export async function handle(
  lane: LaneState,
  incoming: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const entry = logged(incoming, path)
  lane.log.push(entry)
  if (lane.log.length > MAX_LOGGED) lane.log.shift()
  response.once('close', () => {
    entry.endedAt ??= now()
    if (response.writableFinished) entry.status = response.statusCode
  })

  const body = await buffer(incoming)
  entry.body = body.toString()
  const fault = takeFault(lane, `${path}\n${entry.body}`)
  entry.fault = fault.kind
  switch (fault.kind) {
    case 'disconnect':
      incoming.socket.destroy()
      return
    case 'hang':
      lane.waiting.add(incoming.socket)
      incoming.socket.once('close', () => lane.waiting.delete(incoming.socket))
      return
    case 'status':
      response.writeHead(fault.status, fault.headers).end(fault.body)
      return
    case 'garbage':
      response.writeHead(200, { 'content-type': 'application/json' }).end(GARBAGE)
      return
    case 'slow':
      await sleep(fault.ms)
  }

  const forwarded = await forward(lane.base, path, incoming, body)
  if (fault.kind === 'lose-response') {
    incoming.socket.destroy()
    return
  }
  response.writeHead(forwarded.status, {
    ...forwarded.headers,
    'content-length': forwarded.body.length,
  })
  if (fault.kind === 'cut') {
    const half = forwarded.body.subarray(0, Math.floor(forwarded.body.length / 2))
    response.write(half, () => incoming.socket.destroy())
    return
  }
  // Not on `close`: the client may have sent its next request by then.
  entry.endedAt = now()
  response.end(forwarded.body)
}

function logged({ method = '', headers }: IncomingMessage, path: string): LoggedRequest {
  return {
    startedAt: now(),
    endedAt: null,
    method,
    path,
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        CREDENTIALS.test(name) ? [] : [[name, String(value)]],
      ),
    ),
    body: '',
    status: null,
    fault: 'none',
  }
}

function now(): number {
  return performance.timeOrigin + performance.now()
}

/** The fault for a request with this path and body. Decrements its `times`, and goes on to `next`. */
function takeFault(lane: LaneState, text: string): Fault {
  const { fault } = lane
  if (fault.match !== undefined && !text.includes(fault.match)) return { kind: 'none' }
  if (fault.times === undefined) return fault
  const { times, next = { kind: 'none' } } = fault
  lane.fault = times > 1 ? { ...fault, times: times - 1 } : next
  return times > 0 ? fault : { kind: 'none' }
}

interface Forwarded {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Forwards the request unchanged and waits for the whole response. */
async function forward(
  base: string,
  path: string,
  { method, headers }: IncomingMessage,
  body: Buffer,
): Promise<Forwarded> {
  const outgoing = request(base.replace(/\/$/, '') + path, {
    method,
    headers: { ...endToEnd(headers), 'content-length': body.length },
    // The target may close a kept-alive connection just as it is reused.
    agent: false,
  })
  const forwarded = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.once('error', reject)
    outgoing.end(body)
  })
  return {
    status: forwarded.statusCode ?? 502,
    headers: endToEnd(forwarded.headers),
    body: await buffer(forwarded),
  }
}

/** Without hop-by-hop headers (RFC 9110, 7.6.1). */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.test(name)))
}
