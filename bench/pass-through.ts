import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** An HTTP request and its response, as they passed. Bytes include headers. */
export type Trip = {
  to: string
  /** On the clock of `performance.now()` of this process. */
  startedAt: number
  endedAt: number
  sent: number
  received: number
}

export type PassThrough = {
  url: string
  /** What its callers send as `Host`. */
  host: string
  forwardTo(url: string): void
  /** How long responses are held back. */
  setDelay(milliseconds: number): void
  /** The trips since the last call. */
  takeTrips(): Trip[]
}

/**
 * Forwards TCP connections, counts what passes, and delays responses, as distance does. A connection
 * carries one request at a time, so what the client sends after a response begins the next trip.
 */
export async function startPassThrough(to: string): Promise<PassThrough> {
  let target = new URL('http://127.0.0.1')
  let delayMs = 0
  let trips: Trip[] = []
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    let trip: Trip | undefined
    client.on('data', (chunk) => {
      if (!trip || trip.received > 0) {
        const startedAt = performance.now()
        trip = { to, startedAt, endedAt: startedAt, sent: 0, received: 0 }
        trips.push(trip)
      }
      trip.sent += chunk.length
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      const current = trip
      if (current) current.received += chunk.length
      setTimeout(() => {
        if (current) current.endedAt = performance.now()
        client.write(chunk)
      }, delayMs)
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return {
    url: `http://${host}`,
    host,
    forwardTo(url) {
      target = new URL(url)
    },
    setDelay(milliseconds) {
      delayMs = milliseconds
    },
    takeTrips() {
      const taken = trips
      trips = []
      return taken
    },
  }
}

/** Groups of trips that overlap: each group starts after the one before it has ended. */
export function stepsOf(trips: readonly Trip[]): Trip[][] {
  const steps: Trip[][] = []
  let end = Number.NEGATIVE_INFINITY
  for (const trip of trips.toSorted((a, b) => a.startedAt - b.startedAt)) {
    if (trip.startedAt >= end) steps.push([])
    steps.at(-1)?.push(trip)
    end = Math.max(end, trip.endedAt)
  }
  return steps
}
