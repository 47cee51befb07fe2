import { Redis } from '@upstash/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startUpstashGateway, type UpstashGateway } from '../../local/upstash/index.ts'
import { engines } from './engines.ts'

const TOKEN = 'a-token'

describe.each(engines)('Upstash gateway over the %s engine', (engine) => {
  let gateway: UpstashGateway
  let redis: Redis

  beforeAll(async () => {
    gateway = await startUpstashGateway({ engine, token: TOKEN })
    redis = new Redis({ url: gateway.url, token: TOKEN, retry: false })
  })

  afterAll(() => gateway.close())

  function raw(path: string, init: RequestInit = {}) {
    const headers = { authorization: `Bearer ${TOKEN}`, ...init.headers }
    return fetch(gateway.url + path, { ...init, headers })
  }

  async function post(path: string, body: unknown, headers = {}) {
    const response = await raw(path, { method: 'POST', body: JSON.stringify(body), headers })
    return { status: response.status, body: await response.json() }
  }

  test('reports its engine', () => {
    expect(gateway.engine).toMatch(engine === 'redis' ? /^redis-server \d/ : /^in-memory$/)
  })

  describe('values', () => {
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
      [['SET', 'enc', 'OK'], 'OK'],
      [
        ['MGET', 'enc', 'no-such'],
        ['T0s=', null],
      ],
      [['EXISTS', 'enc'], 1],
      [['PING'], 'UE9ORw=='],
    ])('with base64, %j returns %j', async (command, result) => {
      await redis.set('enc', 'OK')
      const { body } = await post('/', command, { 'upstash-encoding': 'base64' })
      expect(body).toEqual({ result })
    })

    test('integers that exceed a double keep their digits', async () => {
      await raw('/', { method: 'POST', body: '["SET", "big", 12345678901234567890]' })
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

    test('SCAN finds keys by pattern', async () => {
      for (const key of ['scan:a', 'scan:b', 'scan?c', 'other']) await redis.set(key, 1)
      const found = async (match: string) => (await redis.scan(0, { match, count: 1000 }))[1].sort()
      expect(await found('scan:*')).toEqual(['scan:a', 'scan:b'])
      expect(await found('scan?a')).toEqual(['scan:a'])
      expect(await found('scan\\?*')).toEqual(['scan?c'])
    })
  })

  describe('requests', () => {
    test.each([
      ['no token', '/', {}],
      ['a wrong token', '/', { authorization: 'Bearer wrong' }],
      ['a token in the query', `/?_token=${TOKEN}`, {}],
    ])('%s is 401', async (_, path, headers) => {
      const request = { method: 'POST', body: '["PING"]', headers }
      const response = await fetch(gateway.url + path, request)
      expect(response.status).toBe(401)
      expect(await response.json()).toEqual({ error: 'WRONGPASS invalid or missing auth token' })
    })

    test('the SDK reports a wrong token', async () => {
      const other = new Redis({ url: gateway.url, token: 'wrong', retry: false })
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
      const response = await raw(path, { method: 'POST', body })
      expect(response.status).toBe(400)
      expect(await response.json()).toEqual({ error })
    })

    test('a method other than POST is 405', async () => {
      expect((await raw('/')).status).toBe(405)
      expect((await raw('/', { method: 'PUT', body: '["PING"]' })).status).toBe(405)
    })

    test('a command in the path is 404', async () => {
      expect((await raw('/get/a', { method: 'POST' })).status).toBe(404)
    })

    test('a request over 1 MiB is 400, and the next one works', async () => {
      const { status, body } = await post('/', ['SET', 'huge', 'x'.repeat(1024 * 1024)])
      expect(status).toBe(400)
      expect(body).toEqual({ error: expect.stringContaining('ERR max request size exceeded') })
      expect(await redis.ping()).toBe('PONG')
    })

    test('upstash-sync-token is returned, and never empty', async () => {
      const call = (headers = {}) => raw('/', { method: 'POST', body: '["PING"]', headers })
      expect((await call()).headers.get('upstash-sync-token')).toMatch(/./)
      const response = await call({ 'upstash-sync-token': 'zy1:2' })
      expect(response.headers.get('upstash-sync-token')).toBe('zy1:2')
    })
  })

  describe('errors', () => {
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
    ])('%j', async (command, error) => {
      await redis.set('word', 'not a number')
      const response = await post('/', command)
      expect(response).toEqual({ status: 400, body: { error: expect.stringMatching(error) } })
      expect(await redis.get('word')).toBe('not a number')
    })
  })

  describe('pipelines and transactions', () => {
    test('a pipeline returns a result or an error for each command', async () => {
      const rows = [['SET', 'p', 'x'], ['INCR', 'p'], ['MONITOR'], ['GET', 'p']]
      expect(await post('/pipeline', rows)).toEqual({
        status: 200,
        body: [
          { result: 'OK' },
          { error: expect.stringMatching(/^ERR value is not an integer/) },
          { error: expect.stringMatching(/^ERR Command is not available/) },
          { result: 'x' },
        ],
      })
      const [set, get] = await redis.pipeline().set('pipe', 'ż').get('pipe').exec()
      expect([set, get]).toEqual(['OK', 'ż'])
    })

    test('a transaction continues after a runtime error', async () => {
      const rows = ['SET t x', 'INCR t', 'GET t'].map((command) => command.split(' '))
      expect((await post('/multi-exec', rows)).body).toEqual([
        { result: 'OK' },
        { error: expect.stringMatching(/^ERR value is not an integer/) },
        { result: 'x' },
      ])
    })

    test.each([[['NOSUCH', 'a']], [['GET']], [['SUBSCRIBE', 'c']]])(
      'a transaction with %j does nothing',
      async (bad) => {
        await redis.set('untouched', 'before')
        const response = await post('/multi-exec', [['SET', 'untouched', 'after'], bad])
        expect(response).toEqual({ status: 400, body: { error: expect.any(String) } })
        expect(await redis.get('untouched')).toBe('before')
      },
    )

    test('parallel transactions are isolated', async () => {
      const transfers = Array.from({ length: 20 }, () =>
        redis.multi().incr('atomic').decr('atomic').get('atomic').exec(),
      )
      for (const results of await Promise.all(transfers)) expect(results).toEqual([1, 0, 0])
    })
  })
})
