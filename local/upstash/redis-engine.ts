import { Redis } from 'ioredis'
import type { Engine } from './engine.ts'
import type { Command, Outcome, Reply } from './protocol.ts'
import { startRedisServer } from './redis-server.ts'

/**
 * An engine on a real Redis: the one at `redisUrl`, or else a private `redis-server`.
 *
 * @throws if it can't be started or reached
 * @returns undefined if no URL is given and there is no `redis-server` on the PATH
 */
export async function startRedisEngine(redisUrl?: string): Promise<Engine | undefined> {
  if (redisUrl) {
    const client = await connect(new Redis(redisUrl, CLIENT_OPTIONS), redisUrl)
    return engineOver(client, `redis ${await serverVersion(client)}`, async () => {})
  }
  const server = await startRedisServer()
  if (!server) return undefined
  const client = await connect(new Redis(server.socket, CLIENT_OPTIONS), server.socket)
  return engineOver(client, server.name, server.close)
}

const MAX_RECONNECT_DELAY_MS = 1000

const CLIENT_OPTIONS = {
  lazyConnect: true,
  // An HTTP caller needs an error now, not a result once Redis is back.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  retryStrategy: (attempt: number) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
}

async function connect(client: Redis, where: string): Promise<Redis> {
  let cause: Error | undefined
  client.on('error', (error: Error) => {
    cause = error
  })
  try {
    await client.connect()
    return client
  } catch (error) {
    client.disconnect()
    const reason = cause ?? error
    const address = where.replace(/\/\/[^@/]*@/, '//')
    throw new Error(`Can't connect to Redis at ${address}: ${messageOf(reason)}`, { cause: reason })
  }
}

async function serverVersion(client: Redis): Promise<string> {
  return /^redis_version:(\S+)/m.exec(await client.info('server'))?.[1] ?? 'of unknown version'
}

function engineOver(client: Redis, name: string, closeServer: () => Promise<void>): Engine {
  return {
    name,
    run: ([command, ...args]) =>
      client.call(command, ...args).then(
        (value) => ({ result: toReply(value) }),
        (error: unknown) => ({ error: replyError(error) }),
      ),
    transaction: (commands) => runTransaction(client, commands),
    async close() {
      client.disconnect()
      await closeServer()
    },
  }
}

async function runTransaction(client: Redis, commands: Command[]) {
  const transaction = client.multi()
  for (const [name, ...args] of commands) transaction.call(name, ...args)
  try {
    const results = (await transaction.exec()) ?? []
    return results.map(
      ([error, value]): Outcome =>
        error ? { error: replyError(error) } : { result: toReply(value) },
    )
  } catch (error) {
    return { error: replyError(error) }
  }
}

/** The message of an error that Redis returned. Rethrows any other error. */
function replyError(error: unknown): string {
  if (error instanceof Error && error.name === 'ReplyError') return error.message
  throw error
}

function toReply(value: unknown): Reply {
  if (value === null || typeof value === 'number') return value
  return Array.isArray(value) ? value.map(toReply) : messageOf(value)
}

function messageOf(value: unknown): string {
  return value instanceof Error ? value.message : String(value)
}
