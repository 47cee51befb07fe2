import { Redis } from '@upstash/redis'
import { describe, expect, test } from 'vitest'
import { startGateways } from './engines.ts'

const UNAUTHORIZED = { error: 'WRONGPASS invalid or missing auth token' }
const LARGE = 'x'.repeat(1024 * 1024)

const error = (message: RegExp) => ({ error: expect.stringMatching(message) })

describe.each(await startGateways())('the $engine engine', ({ engine, gateway, redis }) => {
  const { url, token } = gateway

  const request = (path: string, init: RequestInit = {}) =>
    fetch(url + path, {
      method: 'POST',
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
    })

  /** A string is sent as it is. */
  async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await request(path, { body: text, headers })
    return { status: response.status, body: await response.json() }
  }

  test('is reported by the gateway', () => {
    expect(gateway.engine).toMatch(engine === 'redis' ? /^redis-server \d/ : /^in-memory$/)
  })

  test.each([
    ['text', 'bar'],
    ['text beyond ASCII', 'zażółć gęślą jaźń 🙂 \u2028'],
    ['control characters', 'a\u0000b\r\n\t"\\'],
    ['the word OK', 'OK'],
    ['text that looks like base64', 'YmFy'],
    ['an object', { deep: [1, 'zwei', null] }],
    ['a number', 42],
    ['empty text', ''],
  ])('%s is returned as sent', async (name, value) => {
    await redis.set(`value:${name}`, value)
    expect(await redis.get(`value:${name}`)).toEqual(value)
  })

  test.each([
    ['SET enc OK', 'OK'],
    ['MGET enc no-such', ['T0s=', null]],
    ['EXISTS enc', 1],
    ['PING', 'UE9ORw=='],
  ])('with base64, %s returns %j', async (command, result) => {
    await redis.set('enc', 'OK')
    const { body } = await post('/', command.split(' '), { 'upstash-encoding': 'base64' })
    expect(body).toEqual({ result })
  })

  test('integers that exceed a double keep their digits', async () => {
    await post('/', '["SET", "big", 12345678901234567890]')
    expect((await post('/', ['GET', 'big'])).body).toEqual({ result: '12345678901234567890' })
  })

  test('hashes and expiry work through the SDK', async () => {
    expect(await redis.hset('h', { a: '1', b: 'zwei' })).toBe(2)
    expect(await redis.hgetall('h')).toEqual({ a: 1, b: 'zwei' })
    expect(await redis.hmget('h', 'b', 'no-such')).toEqual({ b: 'zwei', 'no-such': null })
    expect(await redis.set('once', '1', { nx: true, px: 60_000 })).toBe('OK')
    expect(await redis.set('once', '2', { nx: true })).toBeNull()
    expect(await redis.pttl('once')).toBeGreaterThan(50_000)
  })

  test('keys expire, and counters keep their expiry', async () => {
    await redis.set('short', '1', { px: 400 })
    expect(await redis.incr('short')).toBe(2)
    expect(await redis.pttl('short')).toBeGreaterThan(0)
    await redis.pexpire('short', 1)
    await expect.poll(() => redis.exists('short')).toBe(0)
    expect(await redis.ttl('short')).toBe(-2)
    expect(await redis.incr('short')).toBe(1)
    expect(await redis.ttl('short')).toBe(-1)
  })

  test.each([
    ['scan:*', ['scan:a', 'scan:b']],
    ['scan?a', ['scan:a']],
    ['scan\\?*', ['scan?c']],
  ])('SCAN MATCH %s returns %j', async (match, keys) => {
    for (const key of ['scan:a', 'scan:b', 'scan?c', 'other']) await redis.set(key, 1)
    expect((await redis.scan(0, { match, count: 1000 }))[1].sort()).toEqual(keys)
  })

  test.each([
    ['no token', '/', { authorization: '' }],
    ['a wrong token', '/', { authorization: 'Bearer wrong' }],
    ['a token in the query', `/?_token=${token}`, { authorization: '' }],
  ])('%s is 401', async (_, path, headers) => {
    expect(await post(path, ['PING'], headers)).toEqual({ status: 401, body: UNAUTHORIZED })
  })

  test('the SDK reports a wrong token', async () => {
    const other = new Redis({ url, token: 'wrong', retry: false })
    await expect(other.get('a')).rejects.toThrow('WRONGPASS')
  })

  test.each([
    ['/', '["GET"', 'ERR failed to parse command'],
    ['/', '{"a":1}', 'ERR failed to parse command'],
    ['/', '["SET","a",{}]', 'ERR failed to parse command'],
    ['/', '[]', 'ERR empty command'],
    ['/pipeline', '["GET","a"]', 'ERR failed to parse pipeline command'],
    ['/pipeline', '[]', 'ERR empty pipeline request'],
    ['/multi-exec', 'x', 'ERR failed to parse multi-exec request'],
  ])('%s with %s is 400', async (path, body, error) => {
    expect(await post(path, body)).toEqual({ status: 400, body: { error } })
  })

  test('a command in the path is 404, a method other than POST is 405', async () => {
    expect((await request('/get/a')).status).toBe(404)
    expect((await request('/', { method: 'GET' })).status).toBe(405)
    expect((await request('/', { method: 'PUT', body: '["PING"]' })).status).toBe(405)
  })

  test('a request over 1 MiB is 400, and the next one works', async () => {
    const body = error(/^ERR max request size exceeded/)
    expect(await post('/', ['SET', 'huge', LARGE])).toEqual({ status: 400, body })
    expect(await redis.ping()).toBe('PONG')
  })

  test('upstash-sync-token is returned, and never empty', async () => {
    const ping = async (headers = {}) =>
      (await request('/', { body: '["PING"]', headers })).headers.get('upstash-sync-token')
    expect(await ping()).toMatch(/./)
    expect(await ping({ 'upstash-sync-token': 'zy1:2' })).toBe('zy1:2')
  })

  test.each([
    [['NOSUCH', 'a'], /^ERR unknown command 'NOSUCH'/],
    [['SET', 'word', 'x', 'SOON'], /^ERR syntax error/],
    [['SET', 'word', 'x', 'EX', 0], /^ERR invalid expire time in 'set' command/],
    [['EXPIRE', 'word', 'soon'], /^ERR value is not an integer or out of range/],
    [['INCRBY', 'huge', '9223372036854775808'], /^ERR value is not an integer or out of range/],
    [['SCAN', 'x'], /^ERR invalid cursor/],
    [['GET'], /^ERR wrong number of arguments for 'get' command/],
    [['INCR', 'word'], /^ERR value is not an integer or out of range/],
    [['HSET', 'word', 'a', 'b'], /^WRONGTYPE Operation against a key/],
    [['BLPOP', 'list', 0], /^ERR Command is not available: 'BLPOP'/],
    [['XREAD', 'BLOCK', 0, 'STREAMS', 's', '$'], /^ERR Command is not available: 'XREAD BLOCK'/],
    [['SHUTDOWN'], /^ERR Command is not available: 'SHUTDOWN'/],
    [['EVAL', 'return return', 0], /^ERR .*near 'return'/],
  ])('%j is 400 and changes nothing', async (command, message) => {
    await redis.set('word', 'not a number')
    expect(await post('/', command)).toEqual({ status: 400, body: error(message) })
    expect(await redis.get('word')).toBe('not a number')
  })

  const rows = ['SET p x', 'INCR p', 'GET p'].map((command) => command.split(' '))
  const results = [{ result: 'OK' }, error(/^ERR value is not an integer/), { result: 'x' }]

  test('a pipeline returns a result or an error for each command', async () => {
    expect(await post('/pipeline', [...rows, ['MONITOR']])).toEqual({
      status: 200,
      body: [...results, error(/^ERR Command is not available/)],
    })
    expect(await redis.pipeline().set('pipe', 'ż').get('pipe').exec()).toEqual(['OK', 'ż'])
  })

  test('a transaction continues after a runtime error', async () => {
    expect(await post('/multi-exec', rows)).toEqual({ status: 200, body: results })
  })

  test.each([[['NOSUCH', 'a']], [['GET']], [['SUBSCRIBE', 'c']]])(
    'a transaction with %j is 400 and changes nothing',
    async (command) => {
      await redis.set('untouched', 'before')
      const { status, body } = await post('/multi-exec', [['SET', 'untouched', 'after'], command])
      expect({ status, body }).toEqual({ status: 400, body: { error: expect.any(String) } })
      expect(await redis.get('untouched')).toBe('before')
    },
  )

  test('parallel transactions are isolated', async () => {
    const transfers = Array.from({ length: 20 }, () =>
      redis.multi().incr('atomic').decr('atomic').get('atomic').exec(),
    )
    for (const values of await Promise.all(transfers)) expect(values).toEqual([1, 0, 0])
  })
})
