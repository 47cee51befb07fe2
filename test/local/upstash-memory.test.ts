import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Engine } from '../../local/upstash/engine.ts'
import { startMemoryEngine } from '../../local/upstash/memory/engine.ts'
import type { Command, Outcome } from '../../local/upstash/protocol.ts'
import { startRedisEngine } from '../../local/upstash/redis-engine.ts'
import { redisServerInstalled } from './engines.ts'

describe('the in-memory engine', () => {
  let memory: Engine

  beforeAll(async () => {
    memory = await startMemoryEngine()
  })

  afterAll(() => memory.close())

  test('the error for an unknown command suggests redis-server', async () => {
    const error = expect.stringContaining('Install redis-server')
    expect(await memory.run(['GEOADD', 'g', '1', '1', 'm'])).toEqual({ error })
  })

  test.each([
    'while true do end',
    'while true do pcall(function() while true do end end) end',
    "while true do redis.call('PING') end",
  ])('%s is stopped, and the next script runs', async (script) => {
    const error = 'ERR Script exceeded its time limit'
    expect(await memory.run(['EVAL', script, '0'])).toEqual({ error })
    expect(await memory.run(['EVAL', 'return 1', '0'])).toEqual({ result: 1 })
  })

  test('20,000 scripts do not leak memory in Lua', async () => {
    const script = "return redis.call('INCRBY', KEYS[1], ARGV[1])"
    const runMany = async (count: number) => {
      for (let at = 0; at < count; at++) {
        await memory.run(['EVAL', script, '1', `key-${at % 100}`, '1'])
      }
    }
    await runMany(5000)
    // Includes the memory of WebAssembly.
    const before = process.memoryUsage().external
    await runMany(20_000)
    expect(process.memoryUsage().external - before).toBeLessThan(8 * 1024 * 1024)
    expect(await memory.run(['GET', 'key-0'])).toEqual({ result: '250' })
  })

  test.runIf(redisServerInstalled())('has the same replies as redis-server', async () => {
    const redis = await startRedisEngine()
    if (!redis) throw new Error('No redis-server')
    onTestFinished(() => redis.close())
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 30 }), async (commands) => {
        for (const each of [['FLUSHALL'], ...commands] as Command[]) {
          expect({ each, ...toComparable(await memory.run(each)) }).toEqual({
            each,
            ...toComparable(await redis.run(each)),
          })
        }
      }),
      { numRuns: 200 },
    )
  })
})

/** Of an error only the code, because messages differ. Of a number only the precision of a double. */
function toComparable(outcome: Outcome) {
  if ('error' in outcome) return { code: outcome.error.split(' ')[0] }
  const { result } = outcome
  return { result: typeof result === 'number' ? result.toPrecision(15) : result }
}

const key = fc.constantFrom('a', 'b', 'c')
const value = fc.oneof(
  fc.constantFrom('0', '1', '-7', '9223372036854775807', '-9223372036854775808', '007', '+1', ''),
  fc.string(),
)
const field = fc.constantFrom('x', 'y', '')
/** Long enough that nothing expires during a test case. */
const seconds = fc.constantFrom('100', '0', '-1', '1.5', 'soon', '9223372036854775807')
const milliseconds = fc.constantFrom('100000', '0', 'soon')
const tuple = (name: string, ...args: fc.Arbitrary<string>[]) =>
  fc.tuple(fc.constant(name), ...args)

/** Without HGETALL and SCAN, whose order is unspecified. */
const command: fc.Arbitrary<Command> = fc.oneof(
  tuple('GET', key),
  tuple('SET', key, value),
  tuple('SET', key, value, fc.constantFrom('NX', 'xx', 'no')),
  tuple('SET', key, value, fc.constant('EX'), seconds),
  tuple('SET', key, value, fc.constant('px'), milliseconds),
  tuple('SET', key, value, fc.constant('NX'), fc.constant('EX'), seconds),
  tuple('MGET', key, key),
  tuple('DEL', key, key),
  tuple('EXISTS', key, key),
  tuple('INCR', key),
  tuple('DECR', key),
  tuple('INCRBY', key, value),
  tuple('HSET', key, field, value),
  tuple('HSET', key, field, value, field),
  tuple('HGET', key, field),
  tuple('HMGET', key, field, field),
  tuple('EXPIRE', key, seconds),
  tuple('TTL', key),
)
