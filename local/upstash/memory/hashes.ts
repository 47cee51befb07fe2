import { CommandError, type StoreCommands, WRONG_TYPE } from './command.ts'
import type { Hash, Keyspace } from './keyspace.ts'

export function hashCommands(keyspace: Keyspace): StoreCommands {
  function findHash(key: string): Hash | undefined {
    const value = keyspace.find(key)?.value
    if (typeof value === 'string') throw new CommandError(WRONG_TYPE)
    return value
  }

  function hset([key = '', ...pairs]: string[]): number {
    if (pairs.length % 2 === 1) {
      throw new CommandError("ERR wrong number of arguments for 'hset' command")
    }
    const found = findHash(key)
    const hash: Hash = found ?? new Map()
    if (!found) keyspace.set(key, { value: hash })
    const sizeBefore = hash.size
    for (let at = 0; at < pairs.length; at += 2) hash.set(pairs[at] ?? '', pairs[at + 1] ?? '')
    return hash.size - sizeBefore
  }

  function hmget([key = '', ...fields]: string[]): (string | null)[] {
    const hash = findHash(key)
    return fields.map((field) => hash?.get(field) ?? null)
  }

  function hdel([key = '', ...fields]: string[]): number {
    const hash = findHash(key)
    const deleted = fields.filter((field) => hash?.delete(field)).length
    if (hash?.size === 0) keyspace.delete(key)
    return deleted
  }

  return {
    HSET: { arity: -4, run: hset },
    HGET: { arity: 3, run: (args) => hmget(args)[0] ?? null },
    HMGET: { arity: -3, run: hmget },
    HDEL: { arity: -3, run: hdel },
    HKEYS: { arity: 2, run: ([key = '']) => [...(findHash(key)?.keys() ?? [])] },
    HGETALL: { arity: 2, run: ([key = '']) => [...(findHash(key) ?? [])].flat() },
  }
}
