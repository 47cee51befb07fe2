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
  warn,
} from './finding.ts'

/** Each run spends one request of this rule, which nothing else uses. */
const LIMIT = { rule: { name: 'doctor', requests: 1000, windowSeconds: 60 }, key: 'doctor' }

const Info = z.object({ result: z.string() })
const Pong = z.object({ result: z.literal('PONG') })

/** Redis responds over Upstash's REST protocol and runs the limiter's script. */
export const checkRedis: Check = async ({ redis }) => {
  const ping = await checkPing(redis)
  if (ping.level === 'FAIL') return [ping]
  return [ping, ...(await checkEviction(redis)), await checkLimiter(redis)]
}

async function checkPing(redis: Config['redis']): Promise<Finding> {
  const started = performance.now()
  try {
    const response = await send(redis, 'PING')
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

const send = ({ url, token }: Pick<Config['redis'], 'url' | 'token'>, ...command: string[]) =>
  fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(command),
    signal: responseTimeout(),
  })

/**
 * A full Redis that evicts forgets counts, and with them limits. Nothing is found where INFO does not
 * tell: its fields differ from server to server.
 */
async function checkEviction(redis: Config['redis']): Promise<Finding[]> {
  const response = await send(redis, 'INFO').catch(() => undefined)
  const { data } = Info.safeParse(await response?.json().catch(() => undefined))
  const policy = /^maxmemory_policy:(\S+)/m.exec(data?.result ?? '')?.[1]
  const evicted = Number(/^evicted_keys:(\d+)/m.exec(data?.result ?? '')?.[1] ?? 0)
  const advice = 'Turn eviction off: every key expires by itself.'
  if (evicted > 0) return [warn('eviction', `${evicted} keys are gone. ${advice}`)]
  if (policy === undefined) return []
  return policy === 'noeviction'
    ? [ok('eviction', 'is off')]
    : [warn('eviction', `is on (${policy}). ${advice}`)]
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
