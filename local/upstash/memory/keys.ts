import { CommandError, parseInteger, type StoreCommands, SYNTAX_ERROR } from './command.ts'
import type { Keyspace } from './keyspace.ts'

const SECOND_MS = 1000

/** What applies to keys of every type, and PING and ECHO. */
export function keyCommands(keyspace: Keyspace): StoreCommands {
  function expire(key: string, amount: string, unitMs: number): number {
    const expiresAt = keyspace.now + Number(parseInteger(amount)) * unitMs
    if (!Number.isSafeInteger(expiresAt)) {
      throw new CommandError("ERR invalid expire time in 'expire' command")
    }
    const entry = keyspace.find(key)
    if (!entry) return 0
    if (expiresAt <= keyspace.now) keyspace.delete(key)
    else entry.expiresAt = expiresAt
    return 1
  }

  /** -2 if the key does not exist, -1 if it does not expire. */
  function timeToLive(key: string, unitMs: number): number {
    const entry = keyspace.find(key)
    if (!entry) return -2
    if (entry.expiresAt === undefined) return -1
    return Math.round((entry.expiresAt - keyspace.now) / unitMs)
  }

  function flushAll(): string {
    keyspace.clear()
    return 'OK'
  }

  return {
    PING: { arity: -1, run: ([message]) => message ?? 'PONG' },
    ECHO: { arity: 2, run: ([message = '']) => message },
    DEL: { arity: -2, run: (keys) => keys.filter((key) => keyspace.delete(key)).length },
    EXISTS: { arity: -2, run: (keys) => keys.filter((key) => keyspace.find(key)).length },
    EXPIRE: { arity: 3, run: ([key = '', amount = '']) => expire(key, amount, SECOND_MS) },
    PEXPIRE: { arity: 3, run: ([key = '', amount = '']) => expire(key, amount, 1) },
    TTL: { arity: 2, run: ([key = '']) => timeToLive(key, SECOND_MS) },
    PTTL: { arity: 2, run: ([key = '']) => timeToLive(key, 1) },
    // All keys at once. Cursor 0 means that there are no more.
    SCAN: { arity: -2, run: (args) => ['0', keyspace.keys().filter(parseScanFilter(args))] },
    FLUSHALL: { arity: 1, run: flushAll },
  }
}

function parseScanFilter([cursor = '', ...options]: string[]): (key: string) => boolean {
  if (!/^\d+$/.test(cursor)) throw new CommandError('ERR invalid cursor')
  let matches = (_key: string) => true
  for (let at = 0; at < options.length; at += 2) {
    const [name = '', value] = options.slice(at, at + 2)
    if (value === undefined) throw new CommandError(SYNTAX_ERROR)
    if (/^match$/i.test(name)) matches = compileGlob(value)
    else if (!/^count$/i.test(name) || parseInteger(value) < 1n) {
      throw new CommandError(SYNTAX_ERROR)
    }
  }
  return matches
}

/** Supports `*`, `?` and `\`, which makes the next character a literal. */
function compileGlob(pattern: string): (key: string) => boolean {
  const source = pattern.replace(/\\(.)|[*?]|[^\w]/gs, (token, escaped?: string) => {
    if (token === '*') return '.*'
    if (token === '?') return '.'
    return (escaped ?? token).replace(/[^\w]/g, '\\$&')
  })
  const expression = new RegExp(`^${source}$`, 's')
  return (key) => expression.test(key)
}
