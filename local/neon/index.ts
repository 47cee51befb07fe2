import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type pg from 'pg'
import { parseConnectionString } from './connection-string.ts'
import { createConnections } from './connections.ts'
import { errorAnswer, GatewayError } from './errors.ts'
import {
  MAX_BYTES,
  type OutputOptions,
  outputOptions,
  readPayload,
  type Statement,
  transactionOptions,
} from './request.ts'
import { type RawResult, resultBody } from './result.ts'

export interface NeonGateway {
  /** `http://127.0.0.1:…`; the driver's `fetchEndpoint` is this and `/sql`. */
  url: string
  port: number
  close(): Promise<void>
}

/** Longer than clients keep an idle connection, or one is closed under a request on its way. */
const KEEP_ALIVE_MS = 120_000

/** `queryMode` is pg's own but missing in its types: one statement a call, as Neon allows. */
interface ExtendedQuery extends pg.QueryArrayConfig {
  queryMode: 'extended'
}

async function run(client: pg.ClientBase, { query, params }: Statement): Promise<RawResult> {
  let size = 0
  const asText = (value: string) => {
    size += value.length
    if (size <= MAX_BYTES) return value
    throw new GatewayError(507, `response is too large (max is ${MAX_BYTES} bytes)`)
  }
  const config: ExtendedQuery = {
    text: query,
    values: params,
    rowMode: 'array',
    queryMode: 'extended',
    types: { getTypeParser: () => asText },
  }
  return await client.query(config)
}

async function runBatch(
  client: pg.ClientBase,
  begin: string,
  batch: Statement[],
): Promise<RawResult[]> {
  await client.query(begin)
  try {
    const results: RawResult[] = []
    for (const statement of batch) results.push(await run(client, statement))
    await client.query('COMMIT')
    return results
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}) // Cut connections roll back by themselves.
    throw error
  }
}

function body(statement: Statement, result: RawResult, options: OutputOptions) {
  const arrayMode = statement.arrayMode ?? options.arrayMode
  return resultBody(result, { ...options, arrayMode })
}

function send(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.destroyed) return
  const text = JSON.stringify(value)
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(text, () => response.req.resume())
}

/**
 * Starts a gateway that speaks Neon's SQL-over-HTTP protocol to the PostgreSQL that each request's
 * connection string names. It listens on this machine only: whoever reaches it reaches whatever
 * this machine reaches.
 */
export async function startNeonGateway(
  options: { port?: number; host?: '127.0.0.1' | '::1' } = {},
): Promise<NeonGateway> {
  const { host = '127.0.0.1' } = options
  const connections = createConnections()

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const options = outputOptions(request.headers)
    const transaction = transactionOptions(request.headers)
    const header = request.headers['neon-connection-string']
    const config = parseConnectionString(Array.isArray(header) ? header[0] : header)
    const payload = await readPayload(request)
    const lend = <T>(use: (client: pg.ClientBase) => Promise<T>) =>
      connections.lend(config, gone.signal, use)

    if ('statement' in payload) {
      const { statement } = payload
      const result = await lend((client) => run(client, statement))
      send(response, 200, body(statement, result, options))
      return
    }
    const { batch } = payload
    const raw = await lend((client) => runBatch(client, transaction.begin, batch))
    const results = batch.flatMap((statement, i) => {
      const result = raw[i]
      return result === undefined ? [] : [body(statement, result, options)]
    })
    send(response, 200, { results }, transaction.echo)
  }

  const server = createServer((request, response) => {
    request.on('error', () => {}) // Cut in mid-request: there is nobody to tell.
    if (request.method !== 'POST' || request.url?.split('?')[0] !== '/sql') {
      send(response, 400, 'query is not supported')
      return
    }
    answer(request, response).catch((error) => {
      const { status, body } = errorAnswer(error)
      send(response, status, body)
    })
  })
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.listen(options.port ?? 0, host)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      await connections.close()
    },
  }
}
