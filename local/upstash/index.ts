import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Engine, refusal } from './engine.ts'
import { startMemoryEngine } from './memory-engine.ts'
import { type Call, encodeOutcome, type Outcome, parseCall, RequestError } from './protocol.ts'
import { startRedisEngine } from './redis-engine.ts'
import { ScriptTranslator } from './scripts.ts'

export interface UpstashGatewayOptions {
  /** TCP port; 0, the default, takes any free one. */
  port?: number
  /** Address to listen on, 127.0.0.1 by default. */
  host?: string
  /** What callers send as `Authorization: Bearer …`; `local` by default. */
  token?: string
  /** A Redis that runs already; without it the gateway brings its own. */
  redisUrl?: string
  /**
   * `auto`, the default, is `redis` where `redis-server` is installed or `redisUrl` is given, and
   * `memory` elsewhere.
   */
  engine?: 'auto' | 'redis' | 'memory'
  /** Gets a line for each request that failed for a reason of the gateway's own. */
  log?: (line: string) => void
}

export interface UpstashGateway {
  url: string
  port: number
  token: string
  /** What runs the commands, such as `redis-server 7.0.15` or `in-memory`. */
  engine: string
  close(): Promise<void>
}

/**
 * Upstash's documented limit for its free and pay-as-you-go plans.
 *
 * @see https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded
 */
const MAX_REQUEST_BYTES = 1024 * 1024

const SYNC_TOKEN = 'local=1'

/**
 * Starts a server that speaks Upstash's REST API.
 *
 * @throws when the port is taken, or the engine asked for can't be had.
 */
export async function startUpstashGateway(
  options: UpstashGatewayOptions = {},
): Promise<UpstashGateway> {
  const { port = 0, host = '127.0.0.1', token = 'local', log = () => {} } = options
  const engine = await startEngine(options)
  const scripts = new ScriptTranslator()
  const server = createServer((request, response) => {
    answer(request, response, { engine, scripts, token }).catch((error: unknown) => {
      log(`upstash: ${request.method} ${request.url} failed: ${error}`)
      send(response, 500, { error: 'ERR the Redis behind this gateway does not answer' })
    })
  })
  try {
    await listen(server, port, host)
  } catch (error) {
    await engine.close()
    throw error
  }
  const address = server.address()
  const actualPort = typeof address === 'object' && address ? address.port : port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}`,
    port: actualPort,
    token,
    engine: engine.name,
    async close() {
      server.close()
      server.closeAllConnections()
      await engine.close()
    },
  }
}

async function startEngine({ engine = 'auto', redisUrl }: UpstashGatewayOptions): Promise<Engine> {
  if (engine === 'memory') return startMemoryEngine()
  const redis = await startRedisEngine(redisUrl)
  if (redis) return redis
  if (engine === 'auto') return startMemoryEngine()
  throw new Error('There is no redis-server on the PATH: install it, or choose the memory engine')
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    const advice = 'stop the program that listens there, or choose another port'
    throw new Error(`Port ${port} of ${host} is in use: ${advice}`, { cause: error })
  }
}

interface Gateway {
  engine: Engine
  scripts: ScriptTranslator
  token: string
}

async function answer(request: IncomingMessage, response: ServerResponse, gateway: Gateway) {
  // Upstash reads it to serve reads from a replica that is recent enough; here there is one server.
  response.setHeader('upstash-sync-token', request.headers['upstash-sync-token'] || SYNC_TOKEN)
  try {
    const base64 = checkRequest(request, gateway.token)
    const call = parseCall(request.url ?? '/', await readBody(request))
    const outcome = await execute(call, gateway)
    if (Array.isArray(outcome)) {
      send(
        response,
        200,
        outcome.map((one) => encodeOutcome(one, base64)),
      )
    } else {
      send(response, 'error' in outcome ? 400 : 200, encodeOutcome(outcome, base64))
    }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    send(response, error.status, { error: error.message })
  }
}

/** @returns whether the caller wants its strings in base64. */
function checkRequest({ method, headers }: IncomingMessage, token: string): boolean {
  if (headers.authorization !== `Bearer ${token}`)
    throw new RequestError('WRONGPASS invalid or missing auth token', 401)
  if (method !== 'POST') throw new RequestError('ERR method not allowed: use POST', 405)
  const format = headers['upstash-response-format'] ?? 'json'
  if (format !== 'json') throw new RequestError('ERR this gateway answers in JSON only')
  const encoding = headers['upstash-encoding']
  if (encoding && encoding !== 'base64') throw new RequestError('ERR unknown Upstash-Encoding')
  return encoding === 'base64'
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    // Past the limit the rest is read, not kept: a caller in mid-sentence would miss the answer.
    if (size <= MAX_REQUEST_BYTES) chunks.push(chunk)
  }
  if (size <= MAX_REQUEST_BYTES) return Buffer.concat(chunks)
  const sizes = `Limit: ${MAX_REQUEST_BYTES} bytes, Actual: ${size} bytes`
  throw new RequestError(`ERR max request size exceeded. ${sizes}`)
}

async function execute({ mode, commands }: Call, { engine, scripts }: Gateway) {
  if (mode === 'transaction') {
    for (const command of commands) {
      const error = refusal(command)
      if (error) return { error }
    }
    const outcomes = await engine.transaction(commands.map((command) => scripts.translate(command)))
    return Array.isArray(outcomes)
      ? outcomes.map((outcome, at) => scripts.restore(commands[at] ?? [''], outcome))
      : outcomes
  }
  const outcomes = commands.map(async (command): Promise<Outcome> => {
    const error = refusal(command)
    if (error) return { error }
    return scripts.restore(command, await engine.run(scripts.translate(command)))
  })
  const settled = await Promise.all(outcomes)
  return mode === 'pipeline' ? settled : (settled[0] ?? { error: 'ERR empty command' })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
