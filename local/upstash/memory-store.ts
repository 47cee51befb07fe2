import type { Reply } from './protocol.ts'

/** Names the error as Redis does: the first word is its code. */
export class CommandError extends Error {}

const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value'
const NOT_AN_INTEGER = 'ERR value is not an integer or out of range'
const SYNTAX = 'ERR syntax error'

const MIN_INTEGER = -(2n ** 63n)
const MAX_INTEGER = 2n ** 63n - 1n

type Hash = Map<string, string>

interface Entry {
  value: string | Hash
  /** Milliseconds since 1970; without it the key stays. */
  expiresAt?: number
}

type CommandHandler = (args: string[], now: number) => Reply

interface StoreCommand {
  /** Number of arguments with the name, as in Redis's own table: n, or at least -n if negative. */
  arity: number
  run: CommandHandler
}

/**
 * Strings, counters, hashes and expiry over a Map, with the replies and errors of Redis 7: what
 * `@upstash/ratelimit` and its scripts send. `now` is in milliseconds since 1970.
 */
export function createStore() {
  const entries = new Map<string, Entry>()

  function find(key: string, now: number): Entry | undefined {
    const entry = entries.get(key)
    if (entry?.expiresAt === undefined || entry.expiresAt > now) return entry
    entries.delete(key)
    return undefined
  }

  function findString(key: string, now: number): string | undefined {
    const value = find(key, now)?.value
    if (value instanceof Map) throw new CommandError(WRONG_TYPE)
    return value
  }

  function findHash(key: string, now: number): Hash | undefined {
    const value = find(key, now)?.value
    if (typeof value === 'string') throw new CommandError(WRONG_TYPE)
    return value
  }

  function ensureHash(key: string, now: number): Hash {
    const found = findHash(key, now)
    if (found) return found
    const hash: Hash = new Map()
    entries.set(key, { value: hash })
    return hash
  }

  function set([key = '', value = '', ...options]: string[], now: number): Reply {
    const { expiry, condition } = parseSetOptions(options, now)
    const exists = find(key, now) !== undefined
    if ((condition === 'NX' && exists) || (condition === 'XX' && !exists)) return null
    entries.set(key, { value, ...(expiry !== undefined && { expiresAt: expiry }) })
    return 'OK'
  }

  function increment(key: string, amount: bigint, now: number): Reply {
    const sum = addIntegers(findString(key, now), amount, NOT_AN_INTEGER)
    const entry = entries.get(key)
    entries.set(key, { ...entry, value: String(sum) })
    return Number(sum)
  }

  function hset([key = '', ...pairs]: string[], now: number): Reply {
    if (pairs.length % 2 === 1) {
      throw new CommandError("ERR wrong number of arguments for 'hset' command")
    }
    const hash = ensureHash(key, now)
    const before = hash.size
    for (let at = 0; at < pairs.length; at += 2) hash.set(pairs[at] ?? '', pairs[at + 1] ?? '')
    return hash.size - before
  }

  function hincrby([key = '', field = '', by = '']: string[], now: number): Reply {
    const amount = parseInteger(by)
    const sum = addIntegers(
      findHash(key, now)?.get(field),
      amount,
      'ERR hash value is not an integer',
    )
    ensureHash(key, now).set(field, String(sum))
    return Number(sum)
  }

  function hdel([key = '', ...fields]: string[], now: number): Reply {
    const hash = findHash(key, now)
    const deleted = fields.filter((field) => hash?.delete(field)).length
    if (hash?.size === 0) entries.delete(key)
    return deleted
  }

  function expire(key: string, expiresAt: number, now: number): Reply {
    if (!Number.isSafeInteger(expiresAt))
      throw new CommandError("ERR invalid expire time in 'expire' command")
    const entry = find(key, now)
    if (!entry) return 0
    if (expiresAt <= now) entries.delete(key)
    else entry.expiresAt = expiresAt
    return 1
  }

  /** -2 without such a key, -1 for a key without expiry. */
  function timeToLive(key: string, now: number, unitMs: number): number {
    const entry = find(key, now)
    if (!entry) return -2
    if (entry.expiresAt === undefined) return -1
    return Math.round((entry.expiresAt - now) / unitMs)
  }

  /** All keys in one go: cursor 0 says that nothing is left. */
  function scan([cursor = '', ...options]: string[], now: number): Reply {
    if (!/^\d+$/.test(cursor)) throw new CommandError('ERR invalid cursor')
    let matches = (_key: string) => true
    for (let at = 0; at < options.length; at += 2) {
      const [name = '', value] = options.slice(at, at + 2)
      if (value === undefined) throw new CommandError(SYNTAX)
      if (/^match$/i.test(name)) matches = compileGlob(value)
      else if (/^count$/i.test(name)) {
        if (parseInteger(value) < 1n) throw new CommandError(SYNTAX)
      } else throw new CommandError(SYNTAX)
    }
    return ['0', [...entries.keys()].filter((key) => find(key, now) && matches(key))]
  }

  const SECOND_MS = 1000
  const commands: Record<string, StoreCommand> = {
    PING: { arity: -1, run: ([message]) => message ?? 'PONG' },
    ECHO: { arity: 2, run: ([message = '']) => message },
    GET: { arity: 2, run: ([key = ''], now) => findString(key, now) ?? null },
    MGET: {
      arity: -2,
      run: (keys, now) =>
        keys.map((key) => {
          const value = find(key, now)?.value
          return typeof value === 'string' ? value : null
        }),
    },
    SET: { arity: -3, run: set },
    SETEX: {
      arity: 4,
      run: ([key = '', seconds = '', value = ''], now) => set([key, value, 'EX', seconds], now),
    },
    DEL: {
      arity: -2,
      run: (keys, now) => keys.filter((key) => find(key, now) && entries.delete(key)).length,
    },
    EXISTS: { arity: -2, run: (keys, now) => keys.filter((key) => find(key, now)).length },
    INCR: { arity: 2, run: ([key = ''], now) => increment(key, 1n, now) },
    DECR: { arity: 2, run: ([key = ''], now) => increment(key, -1n, now) },
    INCRBY: {
      arity: 3,
      run: ([key = '', by = ''], now) => increment(key, parseInteger(by), now),
    },
    DECRBY: {
      arity: 3,
      run: ([key = '', by = ''], now) => {
        const amount = parseInteger(by)
        if (amount === MIN_INTEGER) throw new CommandError('ERR decrement would overflow')
        return increment(key, -amount, now)
      },
    },
    HSET: { arity: -4, run: hset },
    HGET: {
      arity: 3,
      run: ([key = '', field = ''], now) => findHash(key, now)?.get(field) ?? null,
    },
    HMGET: {
      arity: -3,
      run: ([key = '', ...fields], now) => {
        const hash = findHash(key, now)
        return fields.map((field) => hash?.get(field) ?? null)
      },
    },
    HGETALL: { arity: 2, run: ([key = ''], now) => [...(findHash(key, now) ?? [])].flat() },
    HINCRBY: { arity: 4, run: hincrby },
    HDEL: { arity: -3, run: hdel },
    HLEN: { arity: 2, run: ([key = ''], now) => findHash(key, now)?.size ?? 0 },
    EXPIRE: {
      arity: 3,
      run: ([key = '', s = ''], now) => expire(key, now + Number(parseInteger(s)) * SECOND_MS, now),
    },
    PEXPIRE: {
      arity: 3,
      run: ([key = '', ms = ''], now) => expire(key, now + Number(parseInteger(ms)), now),
    },
    TTL: { arity: 2, run: ([key = ''], now) => timeToLive(key, now, SECOND_MS) },
    PTTL: { arity: 2, run: ([key = ''], now) => timeToLive(key, now, 1) },
    SCAN: { arity: -2, run: scan },
    FLUSHALL: {
      arity: 1,
      run: () => {
        entries.clear()
        return 'OK'
      },
    },
  }

  return {
    /** Deletes what has expired. */
    sweep(now: number): void {
      for (const key of entries.keys()) find(key, now)
    },
    commands: new Map(Object.entries(commands)),
  }
}

function parseInteger(text: string): bigint {
  if (!/^(0|-?[1-9]\d*)$/.test(text)) throw new CommandError(NOT_AN_INTEGER)
  const value = BigInt(text)
  if (value < MIN_INTEGER || value > MAX_INTEGER) throw new CommandError(NOT_AN_INTEGER)
  return value
}

function addIntegers(stored: string | undefined, amount: bigint, notAnInteger: string): bigint {
  let value: bigint
  try {
    value = parseInteger(stored ?? '0')
  } catch {
    throw new CommandError(notAnInteger)
  }
  const sum = value + amount
  if (sum < MIN_INTEGER || sum > MAX_INTEGER) {
    throw new CommandError('ERR increment or decrement would overflow')
  }
  return sum
}

function parseSetOptions(options: string[], now: number) {
  let expiry: number | undefined
  let condition: string | undefined
  for (let at = 0; at < options.length; at++) {
    const name = options[at]?.toUpperCase()
    if ((name === 'NX' || name === 'XX') && condition === undefined) {
      condition = name
    } else if ((name === 'EX' || name === 'PX') && expiry === undefined) {
      const text = options[++at]
      if (text === undefined) throw new CommandError(SYNTAX)
      const amount = Number(parseInteger(text))
      if (amount <= 0 || !Number.isSafeInteger(amount * 1000))
        throw new CommandError("ERR invalid expire time in 'set' command")
      expiry = now + amount * (name === 'EX' ? 1000 : 1)
    } else {
      throw new CommandError(SYNTAX)
    }
  }
  return { expiry, condition }
}

/** Redis's patterns, as far as keys need them: `*`, `?`, and `\` before a character meant as such. */
function compileGlob(pattern: string): (key: string) => boolean {
  const source = pattern.replace(/\\(.)|[*?]|[^\w]/gs, (token, escaped?: string) => {
    if (token === '*') return '.*'
    if (token === '?') return '.'
    return (escaped ?? token).replace(/[^\w]/g, '\\$&')
  })
  const expression = new RegExp(`^${source}$`, 's')
  return (key) => expression.test(key)
}
