import type { Argument, Command, Reply } from './protocol.ts'

/** How many arguments each command takes, its name included: n, or, if negative, at least -n. */
export type Arities = ReadonlyMap<string, number>

/** The error for a command that Redis would refuse before running it, or nothing. */
export function misuse(arities: Arities, command: Command): string | undefined {
  const [name, ...args] = command
  const arity = arities.get(name)
  if (arity === undefined) {
    const beginning = args.map((arg) => `'${arg}' `).join('')
    return `ERR unknown command '${name}', with args beginning with: ${beginning}`
  }
  const fits = arity < 0 ? command.length >= -arity : command.length === arity
  return fits ? undefined : `ERR wrong number of arguments for '${name.toLowerCase()}' command`
}

/** Where the options of a command begin; ioredis-mock knows them in capitals only. */
const FIRST_OPTION: Record<string, number> = {
  SET: 2,
  GETEX: 1,
  EXPIRE: 2,
  PEXPIRE: 2,
  EXPIREAT: 2,
  PEXPIREAT: 2,
  SCAN: 1,
  HSCAN: 2,
  SSCAN: 2,
  ZSCAN: 2,
  ZRANGE: 3,
  ZREVRANGE: 3,
  ZRANGEBYSCORE: 3,
  ZREVRANGEBYSCORE: 3,
  ZADD: 1,
}

const OPTION = /^(nx|xx|gt|lt|ch|incr|ex|px|exat|pxat|keepttl|get|persist|match|count|type)$/i
const RANGE_OPTION = /^(byscore|bylex|rev|limit|withscores)$/i

export function withCapitalOptions(name: string, args: Argument[]): Argument[] {
  const first = FIRST_OPTION[name]
  if (first === undefined) return args
  // A member of a sorted set may well be called "nx": in ZADD the scores end the options.
  const scores = args.findIndex((arg, at) => at > 0 && Number.isFinite(Number(arg)))
  const end = name === 'ZADD' ? scores : args.length
  return args.map((arg, at) => {
    const text = arg.toString()
    const isOption = at >= first && at < end && (OPTION.test(text) || RANGE_OPTION.test(text))
    return isOption ? text.toUpperCase() : arg
  })
}

/** Lua's numbers lose their fraction, true is 1 and false is null, as Redis has it. */
export function toReply(value: unknown, fromLua: boolean): Reply {
  if (value === undefined || value === null || value === false) return null
  if (value === true) return 1
  if (Buffer.isBuffer(value)) return value
  if (typeof value === 'number') {
    if (Number.isNaN(value)) throw new Error('ERR value is not an integer or out of range')
    if (fromLua) return Math.trunc(value)
    return Number.isInteger(value) ? value : Buffer.from(String(value))
  }
  if (Array.isArray(value)) return value.map((item) => toReply(item, fromLua))
  if (typeof value === 'object') return toReply(Object.entries(value).flat(), fromLua)
  return Buffer.from(String(value))
}
