import * as z from 'zod'
import type { Config } from '../../src/env.ts'
import { createLimiter } from '../../src/rate-limit/limiter.ts'
import { answerLimit, type Check, type Finding, silence } from './finding.ts'

/** Spent once a run, from a bucket of its own. */
const RULE = { name: 'doctor', requests: 1000, windowSeconds: 60 }

const Pong = z.object({ result: z.literal('PONG') })

/** Redis answers over Upstash's REST protocol and runs the limiter's script. */
export const checkRedis: Check = async ({ redis }) => {
  const ping = await checkPing(redis)
  return ping.level === 'FAIL' ? [ping] : [ping, await checkLimiter(redis)]
}

async function checkPing({ url, token }: Config['redis']): Promise<Finding> {
  const fail = (words: string): Finding => ({ about: 'redis', level: 'FAIL', words })
  const started = performance.now()
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(['PING']),
      signal: answerLimit(),
    })
    if (answer.status === 401 || answer.status === 403) {
      return fail(
        'Redis refuses the token. Compare UPSTASH_REDIS_REST_TOKEN with the one at Upstash.',
      )
    }
    if (!answer.ok || !Pong.safeParse(await answer.json().catch(() => null)).success) {
      return fail(
        `what answers there (HTTP ${answer.status}) is not Upstash's REST API. UPSTASH_REDIS_REST_URL takes the https address, not redis://.`,
      )
    }
  } catch (error) {
    return fail(
      `Redis ${silence(error)}. Compare UPSTASH_REDIS_REST_URL with the address at Upstash.`,
    )
  }
  const took = Math.round(performance.now() - started)
  return { about: 'redis', level: 'ok', words: `PING is answered in ${took} ms` }
}

async function checkLimiter(redis: Config['redis']): Promise<Finding> {
  const { spend } = createLimiter({ redis })
  try {
    // The limiter is impatient; the second time, the connection is open and the script is there.
    await spend(RULE, 'doctor').catch(() => spend(RULE, 'doctor'))
    return { about: 'limiter', level: 'ok', words: 'its script runs' }
  } catch {
    return {
      about: 'limiter',
      level: 'FAIL',
      words:
        'its script does not run, or not in time. UPSTASH_REDIS_REST_TOKEN must be the standard token (not the read-only one), and the database near.',
    }
  }
}
