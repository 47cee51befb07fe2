import pg from 'pg'
import { ConnectError } from './errors.ts'

/** A pool for one connection string; more requests than this wait their turn. */
const CONNECTIONS_PER_STRING = 20
const CONNECT_TIMEOUT_MS = 10_000
const IDLE_TIMEOUT_MS = 10_000

export interface Connections {
  /**
   * Lends a connection. If `use` leaves it outside a transaction, its session is reset and it goes
   * back to the pool; otherwise it is closed. When `signal` fires in the meantime, the statement is
   * cancelled.
   *
   * @throws ConnectError, and what `use` throws
   */
  lend<T>(
    config: pg.ClientConfig,
    signal: AbortSignal,
    use: (client: pg.ClientBase) => Promise<T>,
  ): Promise<T>
  close(): Promise<void>
}

/** A cancel request takes a connection of its own. */
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

/** Settings, temporary tables, advisory locks: none of it reaches the next request. */
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
      const made = new pg.Pool({
        ...config,
        max: CONNECTIONS_PER_STRING,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        idleTimeoutMillis: IDLE_TIMEOUT_MS,
      })
      made.on('error', () => {}) // An idle connection was cut; the pool has dropped it already.
      made.on('remove', () => dropIfEmpty(key, made))
      pools.set(key, made)
      pool = made
    }
    try {
      return await pool.connect()
    } catch (error) {
      dropIfEmpty(key, pool)
      throw new ConnectError(error)
    }
  }

  return {
    async lend(config, signal, use) {
      const client = await connect(config)
      const onError = () => {} // What breaks the connection also fails the statement.
      const onAbort = () => void cancel(client, config).catch(() => {})
      client.on('error', onError)
      signal.addEventListener('abort', onAbort, { once: true })
      let broken = false
      try {
        signal.throwIfAborted()
        return await use(client)
      } catch (error) {
        // After FATAL the server hangs up, if only in a moment.
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
