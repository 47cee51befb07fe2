import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { takeLock } from '../process/lock.ts'
import { freePort } from '../process/ports.ts'
import { keptSecret, randomSecret } from '../secret.ts'
import { reachableHome, serverAccount } from './account.ts'
import { type LocalPostgres, launch } from './launch.ts'
import { ROLE } from './setup.ts'

export type { LocalPostgres }

export interface PostgresOptions {
  /** Created if it does not exist. Kept when the server stops. */
  dataDir: string
  /** On 127.0.0.1. 0, the default, is any free port. */
  port?: number
  /** Created if it does not exist. */
  database: string
  /** Called with a sentence for each unusual step. */
  log?: (line: string) => void
}

/**
 * Starts PostgreSQL on a persistent data folder. It stops when this process ends, even if this process
 * is killed. A server that an earlier process left running is stopped first.
 *
 * @throws AlreadyRunningError if another process uses this folder
 * @throws Error, with advice, if the port is in use or the server can't start
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  const { database, log = () => {} } = options
  const wanted = resolve(options.dataDir)
  const account = serverAccount(join(wanted, 'data'))
  const home = reachableHome(wanted, account)
  if (home !== wanted) {
    log(`The user ${account?.name} can't enter ${wanted}. The data is in ${home} instead.`)
  }
  try {
    mkdirSync(home, { recursive: true })
    accessSync(home, constants.W_OK)
  } catch {
    throw new Error(`No permission to write ${home}, where PostgreSQL stores its data.`)
  }
  const release = takeLock(join(home, 'lock'), `PostgreSQL on ${home}`)
  try {
    const port = options.port || (await freePort())
    const passwords = {
      superuser: keptSecret(join(home, 'superuser.password')),
      role: keptSecret(join(home, `${ROLE}.password`)),
    }
    const launchOptions = { home, port, database, account, passwords, temporary: false, log }
    const server = await launch(launchOptions)
    return { ...server, stop: () => server.stop().finally(release) }
  } catch (error) {
    release()
    throw error
  }
}

/**
 * Starts an empty PostgreSQL for tests on a free port. It is fast but not crash-safe, and its folder
 * is deleted when it stops or this process ends. Its role can create databases.
 */
export async function startTemporaryPostgres({
  database,
}: {
  database: string
}): Promise<LocalPostgres> {
  const account = serverAccount(join(tmpdir(), 'does-not-exist'))
  const home = mkdtempSync(join(reachableHome(tmpdir(), account), 'postgres-'))
  // mkdtemp makes it private, but PostgreSQL's user must enter. It protects its own data folder.
  chmodSync(home, 0o755)
  const port = await freePort()
  const passwords = { superuser: randomSecret(), role: randomSecret() }
  return launch({ database, home, port, account, passwords, temporary: true, log: () => {} })
}
