import type { IncomingMessage, ServerResponse } from 'node:http'
import type pg from 'pg'
import { type ListenOptions, sendJson, serve } from '../http.ts'
import { parseConnectionString } from './connection-string.ts'
import { createConnections } from './connections.ts'
import { errorResponse, GatewayError } from './errors.ts'
import {
  checkOutput,
  MAX_BYTES,
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

export interface NeonGatewayOptions extends ListenOptions {
  /**
   * The server to connect to, `postgresql://host:port`; with `/database`, that database only. Role
   * and password are those of each request.
   */
  connectTo: string
}

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

/**
 * Starts a gateway that speaks Neon's SQL-over-HTTP protocol to one PostgreSQL server, by the role
 * and password of each request's connection string.
 *
 * @throws when the port is in use
 */
export async function startNeonGateway(options: NeonGatewayOptions): Promise<NeonGateway> {
  const connections = createConnections()
  const connectTo = new URL(options.connectTo)

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    checkOutput(request.headers)
    const transaction = transactionOptions(request.headers)
    const header = request.headers['neon-connection-string']
    const config = parseConnectionString(Array.isArray(header) ? header[0] : header, connectTo)
    const payload = await readPayload(request)
    const lend = <T>(use: (client: pg.ClientBase) => Promise<T>) =>
      connections.lend(config, gone.signal, use)

    if ('statement' in payload) {
      const { statement } = payload
      sendJson(response, 200, resultBody(await lend((client) => run(client, statement))))
      return
    }
    const { batch } = payload
    const results = await lend((client) => runBatch(client, transaction.begin, batch))
    sendJson(response, 200, { results: results.map(resultBody) }, transaction.echo)
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'POST' || request.url?.split('?')[0] !== '/sql') {
      sendJson(response, 400, 'query is not supported')
      return
    }
    respond(request, response).catch((error) => {
      const { status, body } = errorResponse(error)
      sendJson(response, status, body)
    })
  }

  const { url, port, close } = await serve({
    ...options,
    reject: (response, status, message) => sendJson(response, status, { message }),
    handle,
  })
  return {
    url,
    port,
    async close() {
      await close()
      await connections.close()
    },
  }
}
