import { createHash } from 'node:crypto'
import { Ratelimit } from '@upstash/ratelimit'
import { describe, expect, test, vi } from 'vitest'
import { createStore, newBatchId } from '../../src/metrics/store.ts'
import { startGateways } from './engines.ts'

describe.each(await startGateways())('the $engine engine', ({ redis, gateway }) => {
  const script = '#!lua flags=allow-key-locking\nreturn {KEYS[1], ARGV[1], 3.7, false, true}'

  test('a script with the Upstash flag runs by its text and by the SHA of that text', async () => {
    const returned = ['k', 'v', 3, null, 1]
    const client = redis.createScript<unknown[]>(script)
    await expect(client.evalsha(['k'], ['v'])).rejects.toThrow('NOSCRIPT')
    expect(await client.eval(['k'], ['v'])).toEqual(returned)
    expect(await client.evalsha(['k'], ['v'])).toEqual(returned)
    expect(await client.exec(['k'], ['v'])).toEqual(returned)
  })

  test('nested replies, missing values and errors are converted like in Redis', async () => {
    await redis.set('lua:1', 'a')
    await redis.set('lua:2', 'b')
    const lua = `
      local found = {}
      for _, key in ipairs(redis.call('SCAN', '0', 'MATCH', 'lua:*', 'COUNT', 1000)[2]) do
        found[#found + 1] = key
      end
      table.sort(found)
      local missing = redis.call('MGET', 'lua:1', 'no-such')[2]
      return {found, missing == false and 1 or 0, redis.status_reply('FINE')}`
    expect(await redis.eval(lua, [], [])).toEqual([['lua:1', 'lua:2'], 1, 'FINE'])
  })

  test('the metrics of the service are written, folded and read', async () => {
    const store = createStore({ environment: 'test', redis: gateway })
    await store.put(newBatchId(), new Map([['a', [1]]]))
    await store.put(
      newBatchId(),
      new Map([
        ['a', [2]],
        ['b', [3, 4]],
      ]),
    )
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7 * 60_000 })
    const folded = await Promise.all([store.fold(), store.fold()])
    vi.useRealTimers()
    expect(folded.toSorted()).toEqual([0, 2])
    expect(await redis.ttl('metrics:test')).toBeGreaterThan(0)
    expect(Object.fromEntries(await store.read())).toEqual({ a: [3], b: [3, 4] })
  })

  test.each([
    ['a caught error is a table', "return redis.pcall('HGET', KEYS[1], 'x').err ~= nil", 1],
    ['a list ends at the first nil', 'return {1, nil, 3}', [1]],
    ['an empty list stays a list', 'return {{}}', [[]]],
    ['a list keeps false as null', "return {false, 'x'}", [null, 'x']],
    ['no value is null', 'local nothing = 1', null],
    ['text keeps its characters', "return ARGV[1] .. 'ż'", 'a\nż🙂ż'],
    ['text is converted to numbers', "return '3600000' * 2 + 1000", 7_201_000],
    ['an integral number has no fraction', "return redis.call('ECHO', 2.5 * 2)", 5],
    ['a fraction is kept in full', "return redis.call('ECHO', 0.5)", 0.5],
    ['a small number keeps its exponent', "return redis.call('ECHO', 1.5e-10)", 1.5e-10],
    ['a status is a table', "return redis.call('SET', KEYS[1], 'text').ok", 'OK'],
    ['an error in a list is its message', "return {redis.error_reply('ERR x')}", ['ERR x']],
    ['a script can start with #!lua', '#!lua\nreturn 1', 1],
    ['unpack passes a list as arguments', "return redis.call('MGET', unpack(KEYS))[1]", 'text'],
  ])('%s', async (_, lua, reply) => {
    await redis.set('lua:text', 'text')
    expect(await redis.eval(lua, ['lua:text'], ['a\nż🙂'])).toEqual(reply)
  })

  test.each([
    ['a global variable', 'leak = 1', 'ERR'],
    ['replacing redis.call', 'redis.call = nil', 'ERR'],
    ['replacing a library function', 'table.insert = nil', 'ERR'],
    ['a value left in a library', 'math.leak = 7', 'ERR'],
    ['a command without a name', 'return redis.call()', 'ERR'],
    ['a nil argument', "return redis.call('SET', nil, 'x')", 'ERR'],
    ['an undefined variable', 'return nothing_such', 'nonexistent global variable'],
    ['a library outside the sandbox', "return io.open('/etc/passwd')", 'ERR'],
    ['an error in Lua', 'return 1 + {}', /user_script:1: attempt to perform arithmetic/],
    ['a script in a script', "return redis.call('EVAL', 'return 1', 0)", 'ERR'],
    ['an argument that is a table', "return redis.call('GET', {})", 'ERR'],
    ['an error of a command', "return redis.call('HGET', KEYS[1], 'x')", 'WRONGTYPE'],
    ['an error reply', "return redis.error_reply('MINE alone')", 'MINE alone'],
    ['broken syntax', 'return return', 'ERR Error compiling script'],
  ])('%s is an error, and the next script runs', async (_, lua, message) => {
    await redis.set('lua:text', 'text')
    await expect(redis.eval(lua, ['lua:text'], [])).rejects.toThrow(message)
    expect(await redis.eval('return 1', [], [])).toBe(1)
  })

  test('SCRIPT LOAD, EXISTS and FLUSH use the SHA of the original text', async () => {
    const loaded = '#!lua flags=allow-key-locking\nreturn ARGV[1]'
    const sha = await redis.scriptLoad(loaded)
    expect(sha).toBe(createHash('sha1').update(loaded).digest('hex'))
    expect(await redis.scriptExists(sha, 'f'.repeat(40))).toEqual([1, 0])
    expect(await redis.multi().evalsha(sha, [], ['in-multi']).exec()).toEqual(['in-multi'])
    await redis.scriptFlush()
    expect(await redis.scriptExists(sha)).toEqual([0])
    await expect(redis.evalsha(sha, [], [])).rejects.toThrow('NOSCRIPT')
  })

  const options = { ephemeralCache: false, timeout: 0 } as const
  const windows = ['slidingWindow', 'fixedWindow'] as const

  test.each(windows)('%s allows 10 of 50 parallel calls', async (prefix) => {
    const limit = new Ratelimit({
      redis,
      limiter: Ratelimit[prefix](10, '1 h'),
      prefix,
      ...options,
    })
    const results = await Promise.all(Array.from({ length: 50 }, () => limit.limit('crowd')))
    expect(results.filter(({ success }) => success)).toHaveLength(10)
    expect(new Set(results.map(({ reason }) => reason))).toEqual(new Set([undefined]))
  })

  test.each(windows)('%s counts down, and is reset by resetUsedTokens', async (prefix) => {
    const limit = new Ratelimit({
      redis,
      limiter: Ratelimit[prefix](10, '1 h'),
      prefix,
      ...options,
    })
    expect((await limit.limit('one')).remaining).toBe(9)
    expect((await limit.limit('one', { rate: 4 })).remaining).toBe(5)
    expect((await limit.getRemaining('one')).remaining).toBe(5)
    await limit.resetUsedTokens('one')
    expect((await limit.getRemaining('one')).remaining).toBe(10)
  })

  test('tokenBucket counts down', async () => {
    const limiter = Ratelimit.tokenBucket(1, '1 h', 5)
    const limit = new Ratelimit({ redis, limiter, prefix: 'bucket', ...options })
    expect((await limit.limit('a')).remaining).toBe(4)
    expect((await limit.limit('a')).remaining).toBe(3)
  })
})
