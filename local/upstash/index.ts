import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ListenOptions, type LocalServer, readBody, sendJson, serve } from '../http.ts'
import { randomSecret } from '../secret.ts'
import { type Engine, rejection } from './engine.ts'
import { startMemoryEngine } from './memory/engine.ts'
import { type Call, encodeOutcome, type Outcome, parseCall, RequestError } from './protocol.ts'
import { startRedisEngine } from './redis-engine.ts'
import { ScriptTranslator } from './scripts.ts'

export interface UpstashGatewayOptions extends ListenOptions {
  /** What callers send as `Authorization: Bearer …`. Random by default. */
  token?: string
  /** A running Redis. Without it the gateway starts its own. */
  redisUrl?: string
  /** `auto`, the default, is `redis` if `redis-server` is installed or `redisUrl` is given, else `memory`. */
  engine?: 'auto' | 'redis' | 'memory'
  /** Called with a line for each request that failed because of the gateway or of Redis. */
  log?: (line: string) => void
}

export interface UpstashGateway extends LocalServer {
  token: string
  /** What runs the commands: `redis-server 7.0.15` or `in-memory`, for example. */
  engine: string
}

/**
 * Upstash's limit for its free and pay-as-you-go plans.
 *
 * @see https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded
 */
const MAX_REQUEST_BYTES = 1024 * 1024

const SYNC_TOKEN = 'local=1'

/**
 * Starts a server that implements Upstash's REST API.
 *
 * @throws if the port is in use or the engine can't be started
 */
export async function startUpstashGateway(
  options: UpstashGatewayOptions = {},
): Promise<UpstashGateway> {
  const { token = randomSecret(), log = () => {} } = options
  const engine = await startEngine(options)
  const scripts = new ScriptTranslator()
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    respond(request, response, { engine, scripts, token }).catch((error: unknown) => {
      log(`upstash: ${request.method} ${request.url} failed: ${error}`)
      sendJson(response, 500, { error: 'ERR the Redis behind this gateway is unavailable' })
    })
  }
  const reject = (response: ServerResponse, status: number, message: string) =>
    sendJson(response, status, { error: `ERR ${message}` })
  let server: LocalServer
  try {
    server = await serve({ ...options, handle, reject })
  } catch (error) {
    await engine.close()
    throw error
  }
  return {
    ...server,
    token,
    engine: engine.name,
    async close() {
      await server.close()
      await engine.close()
    },
  }
}

async function startEngine({ engine = 'auto', redisUrl }: UpstashGatewayOptions): Promise<Engine> {
  if (engine === 'memory') return startMemoryEngine()
  const redis = await startRedisEngine(redisUrl)
  if (redis) return redis
  if (engine === 'auto') return startMemoryEngine()
  throw new Error('redis-server is not on the PATH. Install it, or use the memory engine.')
}

interface Gateway {
  engine: Engine
  scripts: ScriptTranslator
  token: string
}

async function respond(request: IncomingMessage, response: ServerResponse, gateway: Gateway) {
  // Upstash uses it to read from a replica that is recent enough. Here there is only one server.
  response.setHeader('upstash-sync-token', request.headers['upstash-sync-token'] || SYNC_TOKEN)
  try {
    checkRequest(request, gateway.token)
    const base64 = request.headers['upstash-encoding'] === 'base64'
    const body = await readBody(request, MAX_REQUEST_BYTES, tooLarge)
    const call = parseCall(request.url ?? '/', body)
    const outcome = await execute(call, gateway)
    if (Array.isArray(outcome)) {
      const results = outcome.map((one) => encodeOutcome(one, base64))
      sendJson(response, 200, results)
    } else {
      sendJson(response, 'error' in outcome ? 400 : 200, encodeOutcome(outcome, base64))
    }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    sendJson(response, error.status, { error: error.message })
  }
}

function tooLarge(size: number): RequestError {
  const sizes = `Limit: ${MAX_REQUEST_BYTES} bytes, Actual: ${size} bytes`
  return new RequestError(`ERR max request size exceeded. ${sizes}`)
}

function checkRequest({ method, headers }: IncomingMessage, token: string): void {
  if (headers.authorization !== `Bearer ${token}`) {
    throw new RequestError('WRONGPASS invalid or missing auth token', 401)
  }
  if (method !== 'POST') throw new RequestError('ERR method not allowed: use POST', 405)
}

async function execute({ mode, commands }: Call, { engine, scripts }: Gateway) {
  if (mode === 'transaction') {
    for (const command of commands) {
      const error = rejection(command)
      if (error) return { error }
    }
    const outcomes = await engine.transaction(commands.map((command) => scripts.translate(command)))
    return Array.isArray(outcomes)
      ? outcomes.map((outcome, i) => scripts.restore(commands[i] ?? [''], outcome))
      : outcomes
  }
  const outcomes = commands.map(async (command): Promise<Outcome> => {
    const error = rejection(command)
    if (error) return { error }
    return scripts.restore(command, await engine.run(scripts.translate(command)))
  })
  const settled = await Promise.all(outcomes)
  return mode === 'pipeline' ? settled : (settled[0] ?? { error: 'ERR empty command' })
}
