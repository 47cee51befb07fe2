import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { connectionUrl } from './connect.ts'

const STOP_LIMIT_MS = 15_000
const POLL_MS = 50

interface Leftover {
  pid: number
  port: number
}

/** Lines 1 and 4 of the file (src/include/utils/pidfile.h): process and port. */
function readPidFile(pidFile: string): Leftover | undefined {
  try {
    const lines = readFileSync(pidFile, 'utf8').split('\n')
    return { pid: Number(lines[0]), port: Number(lines[3]) }
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** A number in a file proves nothing after a restart of the machine: ask the server itself. */
async function servesData(port: number, data: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString: connectionUrl(port, 'postgres'),
    connectionTimeoutMillis: 2000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ folder: string }>(
      `SELECT current_setting('data_directory') AS folder`,
    )
    return rows[0]?.folder === data
  } catch (error) {
    // 57P03: it is starting or stopping, so it is a PostgreSQL on the very port of the file.
    return error instanceof pg.DatabaseError && error.code === '57P03'
  } finally {
    await client.end().catch(() => {})
  }
}

/**
 * Stops a server that still runs on this folder though nobody owns it any more. Call it with the
 * folder's lock held. A stale postmaster.pid without a server is left to PostgreSQL, which knows
 * how to tell.
 */
export async function stopLeftover(data: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(data, 'postmaster.pid')
  const found = readPidFile(pidFile)
  if (found === undefined || !isAlive(found.pid)) return
  if (!(await servesData(found.port, data))) return
  log(`A PostgreSQL of an earlier run (pid ${found.pid}) is still there: stopping it.`)
  process.kill(found.pid, 'SIGINT')
  const deadline = Date.now() + STOP_LIMIT_MS
  // The file is the last thing to go. The process may stay as a zombie where nobody reaps orphans.
  while (existsSync(pidFile) && isAlive(found.pid)) {
    if (Date.now() > deadline) {
      throw new Error(
        `An earlier PostgreSQL (pid ${found.pid}) does not stop. End it (\`kill ${found.pid}\`) ` +
          'and start again.',
      )
    }
    await sleep(POLL_MS)
  }
}
