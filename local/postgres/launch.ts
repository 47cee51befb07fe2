import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isPortFree } from '../process/ports.ts'
import { type Supervised, supervise } from '../process/supervise.ts'
import { type Account, reachableBinaries } from './account.ts'
import { findBinaries } from './binaries.ts'
import { ensureCluster } from './cluster.ts'
import { stopLeftover } from './leftover.ts'
import { connectionUrl, type Passwords, setUp } from './setup.ts'

/** A fast shutdown, then an immediate one, after which the next start runs recovery. */
const STOP = [
  { signal: 'SIGINT', waitMs: 8000 },
  { signal: 'SIGQUIT', waitMs: 2000 },
] as const
const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'timezone=UTC']
/** A temporary server has no data to lose in a crash. */
const NOT_CRASH_SAFE = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']

export interface LocalPostgres {
  /** `postgresql://…` with the database, its owner and the owner's password. */
  url: string
  port: number
  /** Where the data is stored: see `reachableHome`. */
  dataDir: string
  /** Resolves when the server has exited for any reason. */
  ended: Promise<unknown>
  /** Closes connections, writes all data to disk, and waits until the server has exited. */
  stop(): Promise<void>
}

interface LaunchOptions {
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
    return '(no log)'
  }
}

/** Starts the server in `home`, and creates its role and database. */
export async function launch(options: LaunchOptions): Promise<LocalPostgres> {
  const { home, port, database, account, passwords, temporary, log } = options
  const data = join(home, 'data')
  const logFile = join(home, 'server.log')
  const binaries = reachableBinaries(findBinaries(), account)
  await stopLeftover(data, passwords.superuser, log)
  if (!(await isPortFree(port))) {
    throw new Error(`Port ${port} for PostgreSQL is in use. Choose another port.`)
  }
  ensureCluster(data, passwords.superuser, binaries, account)
  const settings = temporary ? [...SETTINGS, ...NOT_CRASH_SAFE] : SETTINGS
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
    await setUp(server, { port, database, passwords, canCreateDatabases: temporary })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const lines = tail(logFile)
    await server.stop()
    throw new Error(`PostgreSQL did not start: ${reason}\nLast lines of ${logFile}:\n${lines}`)
  }
  return {
    url: connectionUrl(port, database, passwords),
    port,
    dataDir: home,
    ended: server.ended,
    stop: server.stop,
  }
}
