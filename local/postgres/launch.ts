import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isPortFree } from '../process/ports.ts'
import { type Supervised, supervise } from '../process/supervise.ts'
import { type Account, reachableBinaries } from './account.ts'
import { findBinaries } from './binaries.ts'
import { ensureCluster } from './cluster.ts'
import { stopLeftover } from './leftover.ts'
import { type Passwords, setUp } from './setup.ts'

/** Fast shutdown takes a moment; after the second signal the next start recovers. */
const STOP = [
  { signal: 'SIGINT', waitMs: 8000 },
  { signal: 'SIGQUIT', waitMs: 2000 },
] as const
const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'timezone=UTC']
/** A temporary server loses nothing in a power cut. */
const UNSAFE = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']

interface Launch {
  home: string
  port: number
  database: string
  account: Account | undefined
  passwords: Passwords
  temporary: boolean
  log: (line: string) => void
}

function tail(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n')
  } catch {
    return 'it wrote no log'
  }
}

/** Starts the server on `home`, and sets up its role and database. */
export async function launch({ home, port, database, account, passwords, temporary, log }: Launch) {
  const data = join(home, 'data')
  const logFile = join(home, 'server.log')
  const binaries = reachableBinaries(findBinaries(), account)
  await stopLeftover(data, passwords.superuser, log)
  if (!(await isPortFree(port))) {
    throw new Error(`Port ${port} for PostgreSQL is in use by another program. Choose another.`)
  }
  ensureCluster(data, passwords.superuser, binaries, account)
  const settings = temporary ? [...SETTINGS, ...UNSAFE] : SETTINGS
  const server: Supervised = supervise({
    file: join(binaries.folder, 'bin', 'postgres'),
    args: ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    cwd: data,
    logFile,
    stop: [...STOP],
    ...(account === undefined ? {} : { user: { uid: account.uid, gid: account.gid } }),
    ...(temporary ? { removeAtEnd: home } : {}),
  })
  server.output.resume()
  try {
    await setUp(server, { port, database, passwords, mayCreateDatabases: temporary })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const lines = tail(logFile)
    await server.stop()
    throw new Error(`PostgreSQL did not start: ${reason}\nThe end of ${logFile}:\n${lines}`)
  }
  return server
}
