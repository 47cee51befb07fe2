import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { takeLock } from '../process/lock.ts'
import { freePort } from '../process/ports.ts'
import { keptSecret, randomSecret } from '../secret.ts'
import { reachableHome, serverAccount } from './account.ts'
import { launch } from './launch.ts'
import { connectionUrl, ROLE } from './setup.ts'

export interface PostgresOptions {
  /** Kept between starts, made if it isn't there. */
  dataDir: string
  /** Of 127.0.0.1; without it, or with 0, a free one. */
  port?: number
  /** Created if it isn't there. */
  database: string
  /** Called with a sentence for each step that takes time or may surprise. */
  log?: (line: string) => void
}

export interface LocalPostgres {
  /** `postgresql://…`, with the database, its owner and the owner's password. */
  url: string
  port: number
  /** Where the data really is: see `reachableHome`. */
  dataDir: string
  /** Settles when the server is gone, whoever stopped it. */
  ended: Promise<unknown>
  /** Ends open connections, writes everything down, waits until the server is gone. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL on a data folder that is kept. It ends with this process, also when that is
 * killed; a server that an earlier process left running is stopped first.
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
    const passwords = {
      superuser: keptSecret(join(home, 'superuser.password')),
      role: keptSecret(join(home, `${ROLE}.password`)),
    }
    const launched = { home, port, database, account, passwords, temporary: false, log }
    const server = await launch(launched)
    const stop = () => server.stop().finally(release)
    return {
      url: connectionUrl(port, database, passwords),
      port,
      dataDir: home,
      ended: server.ended,
      stop,
    }
  } catch (error) {
    release()
    throw error
  }
}

/**
 * Starts an empty PostgreSQL for a test, on a free port: fast rather than safe, and its folder is
 * deleted when it stops or this process ends. Its role may create databases.
 */
export async function startTemporaryPostgres(options: {
  database: string
}): Promise<LocalPostgres> {
  const account = serverAccount(join(tmpdir(), 'none yet'))
  const home = mkdtempSync(join(reachableHome(tmpdir(), account), 'postgres-'))
  // mkdtemp makes it private; PostgreSQL, another user, must enter, and protects its own folder.
  chmodSync(home, 0o755)
  const port = await freePort()
  const passwords = { superuser: randomSecret(), role: randomSecret() }
  const launched = { ...options, home, port, account, passwords, temporary: true }
  const server = await launch({ ...launched, log: () => {} })
  const url = connectionUrl(port, options.database, passwords)
  return { url, port, dataDir: home, ended: server.ended, stop: () => server.stop() }
}
