import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { takeLock } from '../process/lock.ts'
import { freePort, isPortFree } from '../process/ports.ts'
import { type Supervised, supervise } from '../process/supervise.ts'
import { type Account, reachableBinaries, reachableHome, serverAccount } from './account.ts'
import { findBinaries } from './binaries.ts'
import { ensureCluster } from './cluster.ts'
import { connectionUrl, ensureDatabase } from './connect.ts'
import { stopLeftover } from './leftover.ts'

export interface PostgresOptions {
  /** Kept between starts, made if it isn't there. */
  dataDir: string
  /** Of 127.0.0.1; without it, or with 0, a free one. */
  port?: number
  /** Created if it isn't there. */
  database: string
  /** Told what takes a moment or would surprise, a sentence each. */
  log?: (line: string) => void
}

export interface LocalPostgres {
  /** `postgresql://…`, with role, password and database. */
  url: string
  port: number
  /** Where the data really is: see `reachableHome`. */
  dataDir: string
  /** Settles when the server is gone, whoever stopped it. */
  ended: Promise<unknown>
  /** Ends open connections, writes everything down, waits until the server is gone. */
  stop(): Promise<void>
}

/** Fast shutdown is done in a moment; one that hangs costs a recovery at the next start. */
const STOP = [
  { signal: 'SIGINT', waitMs: 8000 },
  { signal: 'SIGQUIT', waitMs: 2000 },
] as const
const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'timezone=UTC']
/** A temporary server has nothing to lose in a power cut. */
const UNSAFE = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']

interface Launch {
  home: string
  port: number
  database: string
  account: Account | undefined
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

async function launch({ home, port, database, account, temporary, log }: Launch) {
  const data = join(home, 'data')
  const logFile = join(home, 'server.log')
  const binaries = reachableBinaries(findBinaries(), account)
  await stopLeftover(data, log)
  if (!(await isPortFree(port))) {
    throw new Error(`Port ${port} for PostgreSQL is in use by another program. Choose another.`)
  }
  ensureCluster(data, binaries, account)
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
    await ensureDatabase(port, database, server)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const lines = tail(logFile)
    await server.stop()
    throw new Error(`PostgreSQL did not start: ${reason}\nThe end of ${logFile}:\n${lines}`)
  }
  return server
}

/**
 * Starts PostgreSQL on a data folder that is kept. It ends with this process, also when that is
 * killed; what an earlier one left running is stopped first.
 *
 * @throws AlreadyRunningError when a live process has this folder open
 * @throws Error, with what to do, when the port is in use or the server can't start
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  const { database, log = () => {} } = options
  const wanted = resolve(options.dataDir)
  const account = serverAccount(join(wanted, 'data'))
  const home = reachableHome(wanted, account)
  if (home !== wanted) {
    log(`The user ${account?.name} can't enter ${wanted}: the data is kept in ${home} instead.`)
  }
  try {
    mkdirSync(home, { recursive: true })
    accessSync(home, constants.W_OK)
  } catch {
    throw new Error(`${home} can't be written: it is where PostgreSQL keeps its data.`)
  }
  const release = takeLock(join(home, 'lock'), `PostgreSQL on ${home}`)
  try {
    const port = options.port || (await freePort())
    const server = await launch({ home, port, database, account, temporary: false, log })
    const stop = () => server.stop().finally(release)
    return { url: connectionUrl(port, database), port, dataDir: home, ended: server.ended, stop }
  } catch (error) {
    release()
    throw error
  }
}

/**
 * Starts an empty PostgreSQL for a test: on a free port, quick rather than safe, its folder gone
 * when it stops or this process ends.
 */
export async function startTemporaryPostgres(options: {
  database: string
}): Promise<LocalPostgres> {
  const account = serverAccount(join(tmpdir(), 'none yet'))
  const home = mkdtempSync(join(reachableHome(tmpdir(), account), 'postgres-'))
  // mkdtemp lets nobody else in; PostgreSQL protects its own folder below.
  chmodSync(home, 0o755)
  const port = await freePort()
  const server = await launch({ ...options, home, port, account, temporary: true, log: () => {} })
  const url = connectionUrl(port, options.database)
  return { url, port, dataDir: home, ended: server.ended, stop: () => server.stop() }
}
