import type { Command, Outcome } from './protocol.ts'

/** Runs Redis commands. Promises reject only if the engine itself fails. */
export interface Engine {
  /** For display: `redis-server 7.0.15` or `in-memory`, for example. */
  readonly name: string
  /** Runs commands in the order of the calls. */
  run(command: Command): Promise<Outcome>
  /** Runs all commands with no other caller's command in between, or rejects all of them. */
  transaction(commands: Command[]): Promise<Outcome[] | { error: string }>
  close(): Promise<void>
}

/**
 * Commands that block the connection that all callers share, change its state, or stop the server.
 * Upstash's REST API does not have them either.
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

/** The error for a command that is not available over HTTP, or undefined. */
export function rejection([name, ...args]: Command): string | undefined {
  const blocks = name.startsWith('XREAD') && args.some((arg) => /^block$/i.test(arg))
  if (!blocks && !UNAVAILABLE.has(name)) return undefined
  const what = blocks ? `${name} BLOCK` : name
  return `ERR Command is not available: '${what}'. It would block or change the connection that all HTTP callers share`
}
