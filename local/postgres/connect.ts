import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Supervised } from '../process/supervise.ts'
import { SUPERUSER } from './cluster.ts'

/** Recovery after a crash may take this long; a normal start takes less than a second. */
const START_LIMIT_MS = 60_000
const RETRY_MS = 50
/** Of the superuser, in data folders made before passwords were random. */
const FORMER_PASSWORD = 'local'

class SuperuserPasswordError extends Error {}

const isWrongPassword = (error: unknown) =>
  error instanceof pg.DatabaseError && error.code === '28P01'

/** @throws if the server is down, or has another superuser */
export async function connectAsSuperuser(
  port: number,
  password: string,
  database = 'postgres',
): Promise<pg.Client> {
  for (const each of [password, FORMER_PASSWORD]) {
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port, database, user: SUPERUSER, password: each },
      connectionTimeoutMillis: 2000,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      if (!isWrongPassword(error)) throw error
    }
  }
  throw new SuperuserPasswordError(
    'the data has another superuser password than the file superuser.password beside it. Restore ' +
      'that file, or delete the folder of both to start empty.',
  )
}

/** Connects as soon as the server is ready. */
export async function connectWhenReady(
  port: number,
  password: string,
  server: Supervised,
): Promise<pg.Client> {
  const deadline = Date.now() + START_LIMIT_MS
  for (;;) {
    if (!server.running()) throw new Error('the server ended at once.')
    try {
      return await connectAsSuperuser(port, password)
    } catch (error) {
      if (error instanceof SuperuserPasswordError || Date.now() > deadline) throw error
      await sleep(RETRY_MS)
    }
  }
}
