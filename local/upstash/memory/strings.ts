import {
  addIntegers,
  CommandError,
  parseInteger,
  type StoreCommands,
  SYNTAX_ERROR,
  WRONG_TYPE,
} from './command.ts'
import type { Keyspace } from './keyspace.ts'

const SET_EXPIRY_ERROR = "ERR invalid expire time in 'set' command"

/** Strings and counters. */
export function stringCommands(keyspace: Keyspace): StoreCommands {
  function findString(key: string): string | undefined {
    const value = keyspace.find(key)?.value
    if (value instanceof Map) throw new CommandError(WRONG_TYPE)
    return value
  }

  function increment(key: string, amount: bigint): number {
    const sum = addIntegers(findString(key) ?? '0', amount)
    keyspace.set(key, { ...keyspace.find(key), value: String(sum) })
    return Number(sum)
  }

  function set([key = '', value = '', ...options]: string[]): string | null {
    const { ttlMs, condition } = parseSetOptions(options)
    const exists = keyspace.find(key) !== undefined
    if ((condition === 'NX' && exists) || (condition === 'XX' && !exists)) return null
    keyspace.set(key, { value, ...(ttlMs !== undefined && { expiresAt: keyspace.now + ttlMs }) })
    return 'OK'
  }

  /** Other types count as missing. */
  function getString(key: string): string | null {
    const value = keyspace.find(key)?.value
    return typeof value === 'string' ? value : null
  }

  return {
    GET: { arity: 2, run: ([key = '']) => findString(key) ?? null },
    MGET: { arity: -2, run: (keys) => keys.map(getString) },
    SET: { arity: -3, run: set },
    INCR: { arity: 2, run: ([key = '']) => increment(key, 1n) },
    DECR: { arity: 2, run: ([key = '']) => increment(key, -1n) },
    INCRBY: { arity: 3, run: ([key = '', by = '']) => increment(key, parseInteger(by)) },
  }
}

function parseSetOptions(options: string[]) {
  let ttlMs: number | undefined
  let condition: string | undefined
  for (let at = 0; at < options.length; at++) {
    const name = options[at]?.toUpperCase()
    if ((name === 'NX' || name === 'XX') && condition === undefined) {
      condition = name
    } else if ((name === 'EX' || name === 'PX') && ttlMs === undefined) {
      const text = options[++at]
      if (text === undefined) throw new CommandError(SYNTAX_ERROR)
      const amount = Number(parseInteger(text))
      if (amount <= 0 || !Number.isSafeInteger(amount * 1000)) {
        throw new CommandError(SET_EXPIRY_ERROR)
      }
      ttlMs = amount * (name === 'EX' ? 1000 : 1)
    } else {
      throw new CommandError(SYNTAX_ERROR)
    }
  }
  return { ttlMs, condition }
}
