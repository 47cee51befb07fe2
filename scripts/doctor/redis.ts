import * as z from 'zod'
import type { Config } from '../../src/env.ts'
import { createLimiter } from '../../src/rate-limit/limiter.ts'
import {
  type Check,
  connectionProblem,
  type Finding,
  fail,
  ok,
  responseTimeout,
} from './finding.ts'

/** Each run spends one request of this rule, which nothing else uses. */
const LIMIT = { rule: { name: 'doctor', requests: 1000, windowSeconds: 60 }, key: 'doctor' }

const Pong = z.object({ result: z.literal('PONG') })

/** Redis responds over Upstash's REST protocol and runs the limiter's script. */
export const checkRedis: Check = async ({ redis }) => {
  const ping = await checkPing(redis)
  return ping.level === 'FAIL' ? [ping] : [ping, await checkLimiter(redis)]
}

async function checkPing({ url, token }: Config['redis']): Promise<Finding> {
  const started = performance.now()
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(['PING']),
      signal: responseTimeout(),
    })
    if (response.status === 401 || response.status === 403) {
      const advice = 'Compare UPSTASH_REDIS_REST_TOKEN with the one in the Upstash console.'
      return fail('redis', `Redis rejects the token. ${advice}`)
    }
    if (!response.ok || !Pong.safeParse(await response.json().catch(() => null)).success) {
      const problem = `the service there (HTTP ${response.status}) is not Upstash's REST API`
      return fail(
        'redis',
        `${problem}. UPSTASH_REDIS_REST_URL must be the https address, not redis://.`,
      )
    }
  } catch (error) {
    const advice = 'Compare UPSTASH_REDIS_REST_URL with the address in the Upstash console.'
    return fail('redis', `Redis ${connectionProblem(error)}. ${advice}`)
  }
  return ok('redis', `responds to PING in ${Math.round(performance.now() - started)} ms`)
}

async function checkLimiter(redis: Config['redis']): Promise<Finding> {
  const { spend } = createLimiter({ redis })
  try {
    // The limiter's timeout is short. On the second call the connection and the script are ready.
    await spend([LIMIT]).catch(() => spend([LIMIT]))
    return ok('limiter', 'its script runs')
  } catch {
    return fail(
      'limiter',
      'its script does not run, or takes too long. UPSTASH_REDIS_REST_TOKEN must be the standard token (not the read-only one), and the database must be nearby.',
    )
  }
}
