import type { Reply } from '../protocol.ts'

/** An error reply. The message starts with Redis's error code. */
export class CommandError extends Error {}

export const SYNTAX_ERROR = 'ERR syntax error'
export const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value'
export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range'

interface StoreCommand {
  /** As in Redis's command table, counting the name: exactly n, or at least n if it is -n. */
  arity: number
  run(args: string[]): Reply
}

export type StoreCommands = Record<string, StoreCommand>

const MIN_INTEGER = -(2n ** 63n)
const MAX_INTEGER = 2n ** 63n - 1n

/** @throws CommandError unless `text` is a signed 64-bit integer */
export function parseInteger(text: string): bigint {
  if (!/^(0|-?[1-9]\d*)$/.test(text)) throw new CommandError(NOT_AN_INTEGER)
  const value = BigInt(text)
  if (value < MIN_INTEGER || value > MAX_INTEGER) throw new CommandError(NOT_AN_INTEGER)
  return value
}

/** @throws CommandError unless both are, and the sum is, a signed 64-bit integer */
export function addIntegers(stored: string, amount: bigint): bigint {
  const sum = parseInteger(stored) + amount
  if (sum < MIN_INTEGER || sum > MAX_INTEGER) {
    throw new CommandError('ERR increment or decrement would overflow')
  }
  return sum
}
