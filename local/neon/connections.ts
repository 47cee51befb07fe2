import pg from 'pg'
import { ConnectError } from './errors.ts'

/** The pool size for one connection string. Further requests wait. */
const CONNECTIONS_PER_STRING = 20
const CONNECT_TIMEOUT_MS = 10_000
const IDLE_TIMEOUT_MS = 10_000

export interface Connections {
  /**
   * Calls `use` with a connection. Afterwards the session is reset and the connection returned to the
   * pool, or closed if `use` left it in a transaction. If `signal` aborts, the statement is canceled.
   *
   * @throws ConnectError, and what `use` throws
   */
  withConnection<T>(
    config: pg.ClientConfig,
    signal: AbortSignal,
    use: (client: pg.ClientBase) => Promise<T>,
  ): Promise<T>
  close(): Promise<void>
}

/** Canceling needs a second connection. */
async function cancel(client: pg.ClientBase, config: pg.ClientConfig): Promise<void> {
  if (!('processID' in client)) return
  const other = new pg.Client(config)
  other.on('error', () => {})
  try {
    await other.connect()
    await other.query('SELECT pg_cancel_backend($1)', [client.processID])
  } finally {
    await other.end()
  }
}

/** Settings, temporary tables and advisory locks must not reach the next request. */
async function reset(client: pg.ClientBase): Promise<boolean> {
  try {
    await client.query('DISCARD ALL')
    return true
  } catch {
    return false
  }
}

export function createConnections(): Connections {
  const pools = new Map<string, pg.Pool>()

  function dropIfEmpty(key: string, pool: pg.Pool): void {
    if (pool.totalCount > 0 || pool.waitingCount > 0 || pools.get(key) !== pool) return
    pools.delete(key)
    pool.end().catch(() => {})
  }

  async function connect(config: pg.ClientConfig): Promise<pg.PoolClient> {
    const key = JSON.stringify(config)
    let pool = pools.get(key)
    if (pool === undefined) {
      const created = new pg.Pool({
        ...config,
        max: CONNECTIONS_PER_STRING,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        idleTimeoutMillis: IDLE_TIMEOUT_MS,
      })
      created.on('error', () => {}) // An idle connection was closed. The pool has already removed it.
      created.on('remove', () => dropIfEmpty(key, created))
      pools.set(key, created)
      pool = created
    }
    try {
      return await pool.connect()
    } catch (error) {
      dropIfEmpty(key, pool)
      throw new ConnectError(error)
    }
  }

  return {
    async withConnection(config, signal, use) {
      const client = await connect(config)
      const onError = () => {} // The statement fails too.
      const onAbort = () => void cancel(client, config).catch(() => {})
      client.on('error', onError)
      signal.addEventListener('abort', onAbort, { once: true })
      let broken = false
      try {
        signal.throwIfAborted()
        return await use(client)
      } catch (error) {
        // After a FATAL error the server closes the connection.
        broken = !(error instanceof pg.DatabaseError && error.severity === 'ERROR')
        throw error
      } finally {
        signal.removeEventListener('abort', onAbort)
        client.off('error', onError)
        const isReusable = !broken && !signal.aborted && client.getTransactionStatus() === 'I'
        client.release(!(isReusable && (await reset(client))))
      }
    },
    async close() {
      const all = [...pools.values()]
      pools.clear()
      await Promise.all(all.map((pool) => pool.end()))
    },
  }
}
