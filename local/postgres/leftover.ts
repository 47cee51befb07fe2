import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { connectAsSuperuser } from './connect.ts'

const STOP_TIMEOUT_MS = 15_000
const POLL_MS = 50

interface Leftover {
  pid: number
  port: number
}

/** Lines 1 and 4 of the file: pid and port (src/include/utils/pidfile.h). */
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

/** The pid may belong to another process after a reboot, so ask the server itself. */
async function servesData({ port }: Leftover, data: string, password: string): Promise<boolean> {
  try {
    const client = await connectAsSuperuser(port, password)
    const { rows } = await client
      .query<{ folder: string }>(`SELECT current_setting('data_directory') AS folder`)
      .finally(() => client.end())
    return rows[0]?.folder === data
  } catch (error) {
    // 57P03: a PostgreSQL on this port is starting or stopping.
    return error instanceof pg.DatabaseError && error.code === '57P03'
  }
}

/**
 * Stops a server that still uses this folder although the process that started it has ended. The caller
 * must have the folder's lock. PostgreSQL itself handles a postmaster.pid without a server.
 */
export async function stopLeftover(
  data: string,
  password: string,
  log: (line: string) => void,
): Promise<void> {
  const pidFile = join(data, 'postmaster.pid')
  const found = readPidFile(pidFile)
  if (found === undefined || !isAlive(found.pid)) return
  if (!(await servesData(found, data, password))) return
  log(`Stopping a PostgreSQL that an earlier run left running (pid ${found.pid}).`)
  process.kill(found.pid, 'SIGINT')
  const deadline = Date.now() + STOP_TIMEOUT_MS
  // The server deletes the file last. Its process may remain as a zombie if nothing reaps orphans.
  while (existsSync(pidFile) && isAlive(found.pid)) {
    if (Date.now() > deadline) {
      throw new Error(
        `A PostgreSQL of an earlier run (pid ${found.pid}) does not stop. Kill it ` +
          `(\`kill ${found.pid}\`) and try again.`,
      )
    }
    await sleep(POLL_MS)
  }
}
