import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from '@upstash/redis'
import fc from 'fast-check'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { startUpstashGateway } from '../../local/upstash/index.ts'
import { startMemoryEngine } from '../../local/upstash/memory/engine.ts'
import type { Command, Outcome } from '../../local/upstash/protocol.ts'
import { startRedisEngine } from '../../local/upstash/redis-engine.ts'
import { startRedisServer } from '../../local/upstash/redis-server.ts'
import { isRedisServerInstalled } from './engines.ts'

test('two gateways share nothing', async () => {
  const gateways = await Promise.all([1, 2].map(() => startUpstashGateway({ engine: 'memory' })))
  const [one, two] = gateways.map(({ url, token }) => new Redis({ url, token, retry: false }))
  await one?.set('a', 1)
  expect(await two?.get('a')).toBeNull()
  await Promise.all(gateways.map((gateway) => gateway.close()))
})

test('an unreachable Redis is an error without its password', async () => {
  const start = startUpstashGateway({ redisUrl: 'redis://:secret@127.0.0.1:1' })
  const message = /^Can't connect to Redis at redis:\/\/127\.0\.0\.1:1: .*REFUSED/
  await expect(start).rejects.toThrow(message)
})

describe.runIf(isRedisServerInstalled())('redis-server', () => {
  test('returns 500 for each call after it has stopped', async () => {
    const server = await startRedisServer()
    const lines: string[] = []
    const log = (line: string) => lines.push(line)
    const { url, token, close } = await startUpstashGateway({ redisUrl: `${server?.socket}`, log })
    const redis = new Redis({ url, token, retry: false })
    expect(await redis.ping()).toBe('PONG')
    await server?.close()
    await expect(redis.set('a', 1)).rejects.toThrow('ERR the Redis behind this gateway')
    await expect(redis.multi().set('a', 1).exec()).rejects.toThrow('ERR the Redis behind this')
    expect(lines[0]).toMatch(/^upstash: POST .* failed: /)
    await close()
  })

  test('ends when the process that started it is killed', async () => {
    const index = new URL('../../local/upstash/index.ts', import.meta.url).pathname
    const program = `
      const { startUpstashGateway } = await import(${JSON.stringify(index)})
      const { url } = await startUpstashGateway({ engine: 'redis' })
      console.log(url)`
    const folder = mkdtempSync(join(tmpdir(), 'killed-'))
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    // The folder with the socket of redis-server. It is deleted after the server has exited.
    expect(readdirSync(folder)).toHaveLength(1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expect.poll(() => readdirSync(folder), { timeout: 5000 }).toEqual([])
    rmdirSync(folder)
  })
})

const memory = await startMemoryEngine()
afterAll(() => memory.close())

describe('the in-memory engine', () => {
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

  test.runIf(isRedisServerInstalled())('has the same replies as redis-server', async () => {
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
const tuple = (name: string | fc.Arbitrary<string>, ...args: fc.Arbitrary<string>[]) =>
  fc.tuple(typeof name === 'string' ? fc.constant(name) : name, ...args)

/** Without HGETALL and SCAN, whose order is unspecified. */
const command: fc.Arbitrary<Command> = fc.oneof(
  tuple(fc.constantFrom('GET', 'INCR', 'DECR', 'TTL'), key),
  tuple(fc.constantFrom('MGET', 'DEL', 'EXISTS'), key, key),
  tuple(fc.constantFrom('SET', 'INCRBY'), key, value),
  tuple('SET', key, value, fc.constantFrom('NX', 'xx', 'no')),
  tuple('SET', key, value, fc.constant('EX'), seconds),
  tuple('SET', key, value, fc.constant('px'), milliseconds),
  tuple('SET', key, value, fc.constant('NX'), fc.constant('EX'), seconds),
  tuple('HSET', key, field, value),
  tuple('HSET', key, field, value, field),
  tuple('HDEL', key, field, field),
  tuple('HGET', key, field),
  tuple('HMGET', key, field, field),
  tuple('EXPIRE', key, seconds),
)
