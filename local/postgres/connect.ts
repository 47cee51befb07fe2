import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Supervised } from '../process/supervise.ts'
import { PASSWORD, ROLE } from './cluster.ts'

/** Recovery after a crash may take this long; a normal start takes less than a second. */
const START_LIMIT_MS = 60_000
const RETRY_MS = 50

export function connectionUrl(port: number, database: string): string {
  return `postgresql://${ROLE}:${PASSWORD}@127.0.0.1:${port}/${encodeURIComponent(database)}`
}

async function connect(port: number, server: Supervised): Promise<pg.Client> {
  const deadline = Date.now() + START_LIMIT_MS
  for (;;) {
    if (!server.running()) throw new Error('the server ended at once.')
    const client = new pg.Client({ connectionString: connectionUrl(port, 'postgres') })
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(RETRY_MS)
    }
  }
}

/** Waits until the server answers, and creates the database if it isn't there. */
export async function ensureDatabase(
  port: number,
  database: string,
  server: Supervised,
): Promise<void> {
  const client = await connect(port, server)
  try {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [database])
    if (found.rowCount === 0) {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`)
    }
  } finally {
    await client.end()
  }
}
