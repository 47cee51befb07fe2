/** How long calls take when the database and Redis are far away. */
import type { Call } from '../calls.ts'
import type { Dependencies } from '../dependencies.ts'
import { median } from '../report/statistics.ts'
import { sendChecked } from './wire.ts'

export type Distance = { postgresMs: number; redisMs: number }

export type Timed = { call: Call; p50: number /** What its steps take. */; budget: number }

/** Milliseconds that one step of each kind, and one hash, take here. */
export type Price = Record<'redis' | 'postgres' | 'both' | 'hash', number>

/** What a trip to each gateway takes at this distance, from this process over one connection. */
async function priceOf({ distantVariables }: Dependencies, hash: number, times: number) {
  const { NEON_HTTP_URL, DATABASE_URL, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } =
    distantVariables as Record<string, string>
  const post = (url: string, headers: Record<string, string>, body: object) => async () => {
    const started = performance.now()
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    await response.text()
    if (!response.ok) throw new Error(`${url}: ${response.status}`)
    return performance.now() - started
  }
  const trips = {
    redis: post(
      `${UPSTASH_REDIS_REST_URL}`,
      { Authorization: `Bearer ${UPSTASH_REDIS_REST_TOKEN}` },
      ['PING'],
    ),
    postgres: post(
      `${NEON_HTTP_URL}/sql`,
      { 'Neon-Connection-String': `${DATABASE_URL}` },
      { query: 'select 1', params: [] },
    ),
  }
  const of = async (trip: () => Promise<number>) => {
    const samples: number[] = []
    for (let i = 0; i < times; i++) samples.push(await trip())
    return median(samples.slice(1))
  }
  const [redis, postgres] = [await of(trips.redis), await of(trips.postgres)]
  return { redis, postgres, both: Math.max(redis, postgres), hash }
}

export async function measureDistance(
  calls: Call[],
  dependencies: Dependencies,
  { distance, hashMs, times }: { distance: Distance; hashMs: number; times: number },
): Promise<{ price: Price; timed: Timed[] }> {
  await dependencies.setDistance(distance)
  const price = await priceOf(dependencies, hashMs, times)
  const timed: Timed[] = []
  for (const call of calls) {
    const samples: number[] = []
    for (let i = -1; i < times; i++) {
      const duration = await sendChecked(call)
      if (i >= 0) samples.push(duration)
    }
    const budget = call.steps.reduce((sum, step) => sum + price[step], call.hashes * price.hash)
    timed.push({ call, p50: median(samples), budget })
  }
  await dependencies.setDistance({ postgresMs: 0, redisMs: 0 })
  return { price, timed }
}
