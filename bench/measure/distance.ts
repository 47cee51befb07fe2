/** How long calls take when the database and Redis are far away. */
import type { Call } from '../calls.ts'
import type { Dependencies } from '../dependencies.ts'
import { median } from '../report/statistics.ts'
import { sendChecked } from './wire.ts'

export type Distance = { postgresMs: number; redisMs: number }

/** Milliseconds that one step of each kind, and one hash, take. */
export type Price = Record<'redis' | 'postgres' | 'both' | 'hash', number>

/** Median milliseconds of a call, and what its steps cost at the same distance in the same run. */
export type Timed = { call: Call; p50: number; budget: number }

const HERE: Distance = { postgresMs: 0, redisMs: 0 }

/** Requests to the gateways, from this process: each returns its milliseconds. */
function probesOf({ distantVariables }: Dependencies) {
  const { NEON_HTTP_URL, DATABASE_URL, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } =
    distantVariables as Record<string, string>
  const post = (url: string, headers: Record<string, string>, body: object) => async () => {
    const started = performance.now()
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    await response.text()
    if (!response.ok) throw new Error(`${url}: ${response.status}`)
    return performance.now() - started
  }
  const redisHeaders = { Authorization: `Bearer ${UPSTASH_REDIS_REST_TOKEN}` }
  const neonHeaders = {
    'Neon-Connection-String': `${DATABASE_URL}`,
    'Neon-Raw-Text-Output': 'true',
    'Neon-Array-Mode': 'true',
  }
  return {
    redis: post(`${UPSTASH_REDIS_REST_URL}`, redisHeaders, ['PING']),
    postgres: post(`${NEON_HTTP_URL}/sql`, neonHeaders, { query: 'select 1', params: [] }),
  }
}

/** Collects samples by name. */
function collector() {
  const samples = new Map<string, number[]>()
  return {
    add(name: string, sample: number) {
      const all = samples.get(name) ?? []
      samples.set(name, all)
      all.push(sample)
    },
    median: (name: string) => median(samples.get(name) ?? []),
  }
}

/**
 * Every call and a plain trip of each kind, in turn. What a hash takes follows from a login without
 * distance: all in every round, so that a disturbance affects all of them.
 */
export async function measureDistance(
  calls: Call[],
  dependencies: Dependencies,
  { distance, times }: { distance: Distance; times: number },
): Promise<{ price: Price; timed: Timed[] }> {
  const probes = probesOf(dependencies)
  const login = calls.find(({ name }) => name === 'login')
  const [here, away] = [collector(), collector()]
  for (let i = -1; i < times; i++) {
    for (const [at, collected] of [
      [HERE, here],
      [distance, away],
    ] as const) {
      await dependencies.setDistance(at)
      for (const [name, probe] of Object.entries(probes)) {
        const sample = await probe()
        if (i >= 0) collected.add(name, sample)
      }
      for (const call of at === HERE ? calls.filter((each) => each === login) : calls) {
        const sample = await sendChecked(call)
        if (i >= 0) collected.add(call.name, sample)
      }
    }
  }
  await dependencies.setDistance(HERE)
  const stepsOf = (all: ReturnType<typeof collector>) => {
    const [redis, postgres] = [all.median('redis'), all.median('postgres')]
    return { redis, postgres, both: Math.max(redis, postgres) }
  }
  const near = stepsOf(here)
  const hash = here.median('login') - near.both - near.postgres
  const price: Price = { ...stepsOf(away), hash }
  const timed = calls.map((call) => ({
    call,
    p50: away.median(call.name),
    budget: call.steps.reduce((sum, step) => sum + price[step], call.hashes * price.hash),
  }))
  return { price, timed }
}
