import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Supervised } from '../process/supervise.ts'
import { SUPERUSER } from './cluster.ts'

/** A normal start takes less than a second. Recovery after a crash can take longer. */
const START_TIMEOUT_MS = 60_000
const RETRY_MS = 50
/** The superuser's password in data folders from before passwords were random. */
const FORMER_PASSWORD = 'local'

class SuperuserPasswordError extends Error {}

const isWrongPassword = (error: unknown) =>
  error instanceof pg.DatabaseError && error.code === '28P01'

/** @throws if the server is down or rejects the password */
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
    'the password in superuser.password is not the one in the data folder next to it. Restore ' +
      'that file, or delete the folder that contains both.',
  )
}

/** Connects as soon as the server is ready. */
export async function connectWhenReady(
  port: number,
  password: string,
  server: Supervised,
): Promise<pg.Client> {
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    if (!server.running()) throw new Error('the server exited.')
    try {
      return await connectAsSuperuser(port, password)
    } catch (error) {
      if (error instanceof SuperuserPasswordError || Date.now() > deadline) throw error
      await sleep(RETRY_MS)
    }
  }
}
