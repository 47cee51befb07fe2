import type { Command, Outcome } from './protocol.ts'

/** Something that runs Redis commands. A promise is rejected only if the engine itself fails. */
export interface Engine {
  /** For people, such as `redis-server 7.0.15` or `in-memory`. */
  readonly name: string
  /** Commands are run in the order of the calls. */
  run(command: Command): Promise<Outcome>
  /** Runs all commands with none of another caller's between, or rejects all of them. */
  transaction(commands: Command[]): Promise<Outcome[] | { error: string }>
  close(): Promise<void>
}

/**
 * Commands that would block the one connection which all callers share, change its state, or stop
 * the server. Upstash's REST API has none of them either.
 */
const UNAVAILABLE = new Set(
  [
    ['AUTH', 'HELLO', 'SELECT', 'CLIENT', 'QUIT', 'RESET', 'MULTI', 'EXEC', 'DISCARD'],
    ['WATCH', 'UNWATCH', 'MONITOR', 'SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE'],
    ['UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE', 'WAIT', 'WAITAOF', 'READONLY', 'READWRITE'],
    ['BLPOP', 'BRPOP', 'BRPOPLPUSH', 'BLMOVE', 'BLMPOP', 'BZPOPMIN', 'BZPOPMAX', 'BZMPOP'],
    ['SHUTDOWN', 'DEBUG', 'CONFIG', 'MODULE', 'CLUSTER', 'FAILOVER', 'REPLICAOF', 'SLAVEOF'],
    ['SYNC', 'PSYNC', 'SAVE', 'BGSAVE', 'BGREWRITEAOF', 'MIGRATE', 'ASKING'],
  ].flat(),
)

/** The error for a command that can't be run through HTTP, or nothing. */
export function rejection([name, ...args]: Command): string | undefined {
  const blocks = name.startsWith('XREAD') && args.some((arg) => /^block$/i.test(arg))
  if (!blocks && !UNAVAILABLE.has(name)) return undefined
  const what = blocks ? `${name} BLOCK` : name
  return `ERR Command is not available: '${what}'. It blocks or changes the connection that all HTTP callers share`
}
