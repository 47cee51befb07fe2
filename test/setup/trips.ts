/** Counts the network round trips that a request waits for. */
import { inject } from 'vitest'
import { type ApiResponse, environment, type Visitor, visitor } from './api.ts'
import { type LoggedRequest, openLane, type Target } from './lanes.ts'
import type {} from './world.ts'

/** Added to each trip, so that parallel trips overlap reliably. */
const TRIP_MS = 50
const NAMES = { upstash: 'redis', neon: 'postgres', resend: 'resend' } as const

type Trip = LoggedRequest & { to: Target }

export type Trips = {
  /** Each step, with the dependencies called in parallel: `redis + postgres`. */
  steps: string[]
  /** Requests to each dependency, parallel ones too. */
  requests: Record<Target, number>
  messages: number
}

export async function watchedWorker() {
  const open = async (to: Target) => ({
    to,
    lane: await openLane(inject('world').faultProxyUrl, to),
  })
  const lanes = [await open('upstash'), await open('neon'), await open('resend')]
  const url = (target: Target) => lanes.find(({ to }) => to === target)?.lane.url ?? ''
  let messages = 0
  const metrics = { backlogCount: 0, backlogBytes: 0 }
  const enqueue = async () => {
    messages++
    return { metadata: { metrics } }
  }
  const env = environment({
    NEON_HTTP_URL: url('neon'),
    UPSTASH_REDIS_REST_URL: url('upstash'),
    RESEND_BASE_URL: url('resend'),
    MAIL_QUEUE: { send: enqueue, sendBatch: enqueue, metrics: async () => metrics },
  })

  return {
    env,
    caller: visitor({ env }),
    slowDown: () => Promise.all(lanes.map(({ lane }) => lane.fault({ kind: 'slow', ms: TRIP_MS }))),
    async watch(
      call: () => ReturnType<Visitor['get']>,
    ): Promise<{ response: ApiResponse } & Trips> {
      await Promise.all(lanes.map(({ lane }) => lane.clear()))
      messages = 0
      const response = await call()
      const logs = lanes.map(async ({ to, lane }) =>
        (await lane.log()).map((trip) => ({ ...trip, to })),
      )
      const trips = (await Promise.all(logs)).flat()
      const count = (target: Target) => trips.filter(({ to }) => to === target).length
      const requests = { upstash: count('upstash'), neon: count('neon'), resend: count('resend') }
      return { response, steps: stepsOf(trips), requests, messages }
    },
    close: () => Promise.all(lanes.map(({ lane }) => lane.close())),
  }
}

/** Groups of overlapping trips: each group started after the one before it had ended. */
function stepsOf(trips: Trip[]): string[] {
  const steps: Trip[][] = []
  let ended = Number.NEGATIVE_INFINITY
  for (const trip of trips.toSorted((a, b) => a.startedAt - b.startedAt)) {
    if (trip.startedAt >= ended) steps.push([])
    steps.at(-1)?.push(trip)
    ended = Math.max(ended, trip.endedAt ?? Number.POSITIVE_INFINITY)
  }
  return steps.map((step) => {
    const asked = Object.keys(NAMES).filter((target) => step.some(({ to }) => to === target))
    return asked.map((target) => NAMES[target as Target]).join(' + ')
  })
}
