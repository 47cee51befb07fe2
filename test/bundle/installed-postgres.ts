/** A PostgreSQL that is installed with its client programs, which the one from npm lacks. */
import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { serverAccount } from '../../local/postgres/account.ts'
import { freePort } from '../../local/process/ports.ts'
import { supervise } from '../../local/process/supervise.ts'

/** Where Debian and Ubuntu install each major version. */
const ROOT = '/usr/lib/postgresql'
const PROGRAMS = ['initdb', 'postgres', 'pg_dump', 'pg_restore']

/** Started and connected to in a second, or on a busy machine in a few. */
const START_LIMIT_MS = 30_000

/** The folder of the programs of the newest version, if one is installed. */
export const findPrograms = (): string | undefined =>
  (existsSync(ROOT) ? readdirSync(ROOT) : [])
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(ROOT, version, 'bin'))
    .find((folder) => PROGRAMS.every((program) => existsSync(join(folder, program))))

export type InstalledPostgres = {
  /** `postgresql://127.0.0.1:port`. */
  address: string
  /** The connection string of a new, empty database. */
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
}

/** Starts a server on an empty, temporary folder. Who reaches the port is the superuser. */
export async function startInstalledPostgres(programs: string): Promise<InstalledPostgres> {
  const account = serverAccount(join(tmpdir(), 'does-not-exist'))
  const home = mkdtempSync(join(tmpdir(), 'installed-postgres-'))
  if (account) chownSync(home, account.uid, account.gid)
  const data = join(home, 'data')
  const settings = ['--username=app', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8']
  execFileSync(join(programs, 'initdb'), [`--pgdata=${data}`, ...settings], {
    ...{ ...account, cwd: home, stdio: 'pipe' },
  })
  const port = await freePort()
  const options = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const server = supervise({
    file: join(programs, 'postgres'),
    args: ['-D', data, '-p', String(port), ...options.flatMap((option) => ['-c', option])],
    cwd: data,
    stop: [{ signal: 'SIGINT', waitMs: 8_000 }],
    removeAtEnd: home,
    ...(account && { user: { uid: account.uid, gid: account.gid } }),
  })
  server.output.resume()
  const address = `postgresql://127.0.0.1:${port}`
  const urlOf = (database: string) => `postgresql://app:unused@127.0.0.1:${port}/${database}`
  const client = await connect(urlOf('postgres'))
  return {
    address,
    async createDatabase(name) {
      await client.query(`create database ${client.escapeIdentifier(name)}`)
      return urlOf(name)
    },
    async stop() {
      await client.end()
      await server.stop()
    },
  }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const deadline = Date.now() + START_LIMIT_MS
  for (;;) {
    const client = new pg.Client({ connectionString })
    try {
      await client.connect()
      return client
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(100)
    }
  }
}
