// `npm run bench:redis`: the limiter on redis-server and on the in-memory engine.
import { Ratelimit } from '@upstash/ratelimit'
import { Redis } from '@upstash/redis'
import { startUpstashGateway } from '../local/upstash/index.ts'
import { readCommandLine } from '../scripts/command-line.ts'

const ROUNDS = 15
const CALLS = 200

readCommandLine({
  name: 'npm run bench:redis',
  about: `Measures ${CALLS} parallel \`limit()\` calls through the gateway, alternating between redis-server and the
in-memory engine. Prints the medians and their ratio.`,
})

const engines = ['redis', 'memory'] as const

const limiters = await Promise.all(
  engines.map(async (engine) => {
    const gateway = await startUpstashGateway({ engine })
    const redis = new Redis({
      url: gateway.url,
      token: gateway.token,
      retry: false,
      enableAutoPipelining: false,
    })
    const limiter = Ratelimit.slidingWindow(1_000_000, '1 h')
    const limit = new Ratelimit({ redis, limiter, ephemeralCache: false, timeout: 0 })
    return { gateway, limit, times: [] as number[] }
  }),
)

for (let round = -1; round < ROUNDS; round++) {
  for (const { limit, times } of limiters) {
    const started = performance.now()
    await Promise.all(Array.from({ length: CALLS }, (_, caller) => limit.limit(`${caller % 50}`)))
    // The first round opens connections and loads the script.
    if (round >= 0) times.push(performance.now() - started)
  }
}

const median = (times: number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]
const [redis = Number.NaN, memory = Number.NaN] = limiters.map(({ times }) => median(times))
for (const { gateway, times } of limiters) {
  console.log(
    `${gateway.engine}: ${CALLS} parallel limit() calls in ${median(times)?.toFixed(0)} ms`,
  )
  await gateway.close()
}
console.log(`in-memory / redis-server: ${(memory / redis).toFixed(2)}`)
