import type { IncomingMessage, ServerResponse } from 'node:http'
import type pg from 'pg'
import { type ListenOptions, type LocalServer, sendJson, serve } from '../http.ts'
import { parseConnectionString } from './connection-string.ts'
import { createConnections } from './connections.ts'
import { errorResponse, GatewayError } from './errors.ts'
import {
  checkOutputFormat,
  MAX_BYTES,
  readPayload,
  type Statement,
  transactionOptions,
} from './request.ts'

/** The driver's `fetchEndpoint` is the URL plus `/sql`. */
export type NeonGateway = LocalServer

export interface NeonGatewayOptions extends ListenOptions {
  /**
   * The server, `postgresql://host:port`, or one of its databases, `postgresql://host:port/database`.
   * Each request has its own role and password.
   */
  connectTo: string
}

/** `queryMode` is missing in the types of pg. Like Neon, it allows one statement per call. */
interface ExtendedQuery extends pg.QueryArrayConfig {
  queryMode: 'extended'
}

interface RawResult {
  command: string | null
  rowCount: number | null
  fields: pg.FieldDef[]
  /** Values in PostgreSQL's text format. */
  rows: (string | null)[][]
}

/** A result in the format of Neon's proxy. */
function resultBody({ command, rowCount, fields, rows }: RawResult) {
  return { command: command ?? '', rowCount, rowAsArray: true, fields, rows }
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
    await client.query('ROLLBACK').catch(() => {}) // A broken connection rolls back anyway.
    throw error
  }
}

/**
 * Starts a gateway that implements Neon's SQL-over-HTTP protocol on top of one PostgreSQL server. It
 * connects with the role and password in each request's connection string.
 *
 * @throws if the port is in use
 */
export async function startNeonGateway(options: NeonGatewayOptions): Promise<NeonGateway> {
  const connections = createConnections()
  const connectTo = new URL(options.connectTo)

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const disconnected = new AbortController()
    response.on('close', () => disconnected.abort())
    checkOutputFormat(request.headers)
    const { begin, echo } = transactionOptions(request.headers)
    const header = request.headers['neon-connection-string']
    const config = parseConnectionString(Array.isArray(header) ? header[0] : header, connectTo)
    const payload = await readPayload(request)
    if ('statement' in payload) {
      const result = await connections.withConnection(config, disconnected.signal, (client) =>
        run(client, payload.statement),
      )
      sendJson(response, 200, resultBody(result))
      return
    }
    const results = await connections.withConnection(config, disconnected.signal, (client) =>
      runBatch(client, begin, payload.batch),
    )
    sendJson(response, 200, { results: results.map(resultBody) }, echo)
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

  const server = await serve({
    ...options,
    reject: (response, status, message) => sendJson(response, status, { message }),
    handle,
  })
  return {
    ...server,
    async close() {
      await server.close()
      await connections.close()
    },
  }
}
