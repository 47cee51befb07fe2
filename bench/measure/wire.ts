/** What a call sends and receives on the wire, and in how many steps. */
import type { Call } from '../calls.ts'
import type { Dependencies } from '../dependencies.ts'
import { stepsOf } from '../pass-through.ts'
import { median } from '../report/statistics.ts'

/** Far enough that parallel trips overlap. */
const DISTANCE = { postgresMs: 30, redisMs: 30 }

/** Medians. Bytes include the headers, not TLS. */
export type Wire = {
  name: string
  steps: number
  redisRequests: number
  postgresRequests: number
  sentBytes: number
  receivedBytes: number
}

/** For a Worker with `distantVariables`. @throws if a response is not the expected one */
export async function measureWire(
  calls: Call[],
  { setDistance, takeTrips }: Dependencies,
  times: number,
): Promise<Wire[]> {
  await setDistance(DISTANCE)
  const results: Wire[] = []
  for (const call of calls) {
    const samples: Omit<Wire, 'name'>[] = []
    // The first may load a script or open a connection.
    for (let i = -1; i < times; i++) {
      await takeTrips()
      await sendChecked(call)
      const trips = await takeTrips()
      const count = (name: string) => trips.filter(({ to }) => to === name).length
      if (i < 0) continue
      samples.push({
        steps: stepsOf(trips).length,
        redisRequests: count('redis'),
        postgresRequests: count('postgres'),
        sentBytes: trips.reduce((sum, { sent }) => sum + sent, 0),
        receivedBytes: trips.reduce((sum, { received }) => sum + received, 0),
      })
    }
    const middle = (key: keyof Omit<Wire, 'name'>) => median(samples.map((each) => each[key]))
    results.push({
      ...{ name: call.name, steps: middle('steps') },
      ...{ redisRequests: middle('redisRequests'), postgresRequests: middle('postgresRequests') },
      ...{ sentBytes: middle('sentBytes'), receivedBytes: middle('receivedBytes') },
    })
  }
  await setDistance({ postgresMs: 0, redisMs: 0 })
  return results
}

/** Milliseconds to the end of the response. @throws if it is not the expected one */
export async function sendChecked({ name, status, send }: Call): Promise<number> {
  const started = performance.now()
  const response = await send()
  const text = await response.text()
  const duration = performance.now() - started
  if (response.status !== status) throw new Error(`${name}: ${response.status} ${text}`)
  return duration
}
