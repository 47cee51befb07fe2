import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPostgres, startTemporaryPostgres } from '../../local/postgres/index.ts'
import { freePort } from '../../local/process/ports.ts'

const INDEX = new URL('../../local/postgres/index.ts', import.meta.url).href
let folder: string
let dataDir: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postgres-test-'))
  execFileSync('chmod', ['755', folder]) // As root, PostgreSQL runs as another user.
  dataDir = join(folder, 'kept')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function query(url: string, text: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const postmasterPid = () =>
  Number.parseInt(readFileSync(join(dataDir, 'data/postmaster.pid'), 'utf8'), 10)

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A process that starts the server on `dataDir`, says so, and stays. */
async function startElsewhere() {
  const source = `
    import { startPostgres } from ${JSON.stringify(INDEX)}
    const { url } = await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, database: 'app' })
    console.log(url)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [chunk] = await once(child.stdout, 'data')
  return { child, url: String(chunk).trim() }
}

const superuserUrl = (url: string, password = passwordOf('superuser')) =>
  Object.assign(new URL(url), { username: 'local', password }).href

const passwordOf = (role: string) => readFileSync(join(dataDir, `${role}.password`), 'utf8')

async function killed(child: ReturnType<typeof spawn>) {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

describe('startPostgres', () => {
  test('the cluster is UTF-8 and on UTC, and keeps its data', async () => {
    const first = await startPostgres({ dataDir, database: 'app' })
    expect(
      await query(
        first.url,
        `SELECT current_database() AS db, current_setting('TimeZone') AS tz,
        current_setting('server_encoding') AS encoding, version() LIKE 'PostgreSQL 18%' AS v18`,
      ),
    ).toEqual([{ db: 'app', tz: 'UTC', encoding: 'UTF8', v18: true }])
    await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS n')
    await first.stop()
    await first.stop()

    const second = await startPostgres({ dataDir, database: 'app' })
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
    await second.stop()
    expect(existsSync(join(dataDir, 'lock'))).toBe(false)
  })

  test('passwords are random, stay the same, and are for the owner of the files alone', async () => {
    const first = await startPostgres({ dataDir, database: 'app' })
    const { password } = new URL(first.url)
    expect(password).toBe(passwordOf('app'))
    expect(password).not.toBe(passwordOf('superuser'))
    for (const role of ['app', 'superuser']) {
      expect(statSync(join(dataDir, `${role}.password`)).mode & 0o777).toBe(0o600)
    }
    await first.stop()
    const again = await startPostgres({ dataDir, database: 'app' })
    expect(new URL(again.url).password).toBe(password)
    await again.stop()
    const elsewhere = await startTemporaryPostgres({ database: 'app' })
    expect(new URL(elsewhere.url).password).not.toBe(password)
    await elsewhere.stop()
  })

  test('the role is no superuser: it owns its database and reaches no program or file', async () => {
    const { url, stop } = await startPostgres({ dataDir, database: 'app' })
    expect(
      await query(
        url,
        `SELECT rolsuper, rolcreatedb, rolcreaterole, datname AS owns
        FROM pg_roles LEFT JOIN pg_database ON datdba = pg_roles.oid WHERE rolname = current_user`,
      ),
    ).toEqual([{ rolsuper: false, rolcreatedb: false, rolcreaterole: false, owns: 'app' }])
    for (const statement of [
      `COPY (SELECT 1) TO PROGRAM 'cat'`,
      `COPY kept FROM '/etc/passwd'`,
      `ALTER SYSTEM SET fsync = off`,
      'CREATE DATABASE another',
      'SET ROLE local',
    ]) {
      await expect(query(url, statement), statement).rejects.toThrow(/permission denied/)
    }
    await stop()
  })

  test('a folder of an earlier version, where the superuser owns all, is handed over', async () => {
    const first = await startPostgres({ dataDir, database: 'former' })
    // As it was: one role, a superuser, whose password was its name.
    const admin = superuserUrl(first.url)
    for (const statement of [
      'CREATE SCHEMA apart',
      'CREATE TABLE apart.log (id bigint GENERATED ALWAYS AS IDENTITY, n serial)',
      `CREATE TYPE mood AS ENUM ('ok')`,
      'CREATE TABLE pets (id integer PRIMARY KEY, mood mood)',
      'CREATE VIEW happy AS SELECT * FROM pets',
      'CREATE SEQUENCE free',
      'CREATE FUNCTION one() RETURNS integer LANGUAGE sql RETURN 1',
      'ALTER DATABASE former OWNER TO local',
      'ALTER DATABASE app OWNER TO local',
      `ALTER ROLE local PASSWORD 'local'`,
    ]) {
      await query(admin, statement)
    }
    await query(
      superuserUrl(new URL('/app', first.url).href, 'local'),
      'REASSIGN OWNED BY app TO local; DROP OWNED BY app; DROP ROLE app',
    )
    await first.stop()
    for (const role of ['app', 'superuser']) rmSync(join(dataDir, `${role}.password`))

    const { url, stop } = await startPostgres({ dataDir, database: 'former' })
    for (const statement of [
      'ALTER TABLE pets ADD name text',
      'INSERT INTO apart.log DEFAULT VALUES',
      'ALTER TABLE apart.log DROP n',
      `ALTER TYPE mood ADD VALUE 'good'`,
      'DROP VIEW happy',
      'DROP SEQUENCE free',
      'DROP FUNCTION one()',
      'CREATE TABLE public.fresh ()',
    ]) {
      await query(url, statement)
    }
    await expect(query(superuserUrl(url, 'local'), 'SELECT 1')).rejects.toThrow(/password/)
    expect(await query(superuserUrl(url), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await stop()
  })

  test('a lost password file is reported', async () => {
    const password = passwordOf('superuser')
    writeFileSync(join(dataDir, 'superuser.password'), 'another')
    await expect(startPostgres({ dataDir, database: 'app' })).rejects.toThrow(
      /PostgreSQL did not start: the data has another superuser password than the file/,
    )
    writeFileSync(join(dataDir, 'superuser.password'), password)
  })

  test('a second start is rejected and names the first', async () => {
    const { child, url } = await startElsewhere()
    await expect(startPostgres({ dataDir, database: 'app' })).rejects.toThrow(
      `PostgreSQL on ${dataDir} is already running (pid ${child.pid}).`,
    )
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await killed(child)
  })

  test('the server ends when its starter is killed, and starts again with the data', async () => {
    const { child } = await startElsewhere()
    const server = postmasterPid()
    await killed(child)
    await expect.poll(() => isAlive(server), { timeout: 10_000 }).toBe(false)
    const again = await startPostgres({ dataDir, database: 'app' })
    expect(await query(again.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
    await again.stop()
  })

  test.runIf(process.platform === 'linux')(
    'a server that lost its supervisor too is stopped',
    async () => {
      const { child } = await startElsewhere()
      const server = postmasterPid()
      const [, parent] =
        /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${server}/status`, 'utf8')) ?? []
      process.kill(Number(parent), 'SIGKILL')
      await killed(child)
      expect(isAlive(server)).toBe(true)

      const lines: string[] = []
      const again = await startPostgres({
        dataDir,
        database: 'app',
        log: (line) => lines.push(line),
      })
      expect(lines).toEqual([
        `A PostgreSQL of an earlier run (pid ${server}) is still there: stopping it.`,
      ])
      expect(postmasterPid()).not.toBe(server)
      expect(await query(again.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
      await again.stop()
    },
  )

  test('a lock and a postmaster.pid left by a crash of the machine do not stop a start', async () => {
    const pidFile = join(dataDir, 'data/postmaster.pid')
    writeFileSync(pidFile, `999999\n${dataDir}/data\n1\n1\n\n127.0.0.1\n1 1\nready\n`)
    // The number lives, but belongs to another process now.
    writeFileSync(join(dataDir, 'lock'), `${process.pid} of an earlier boot`)
    const again = await startPostgres({ dataDir, database: 'app' })
    expect(await query(again.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
    await again.stop()
  })

  test('a port in use is named', async () => {
    const port = await freePort()
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    await expect(startPostgres({ dataDir, port, database: 'app' })).rejects.toThrow(
      `Port ${port} for PostgreSQL is in use`,
    )
    other.close()
  })

  test('the data of another version is not touched', async () => {
    const versionFile = join(dataDir, 'data/PG_VERSION')
    writeFileSync(versionFile, '17\n')
    await expect(startPostgres({ dataDir, database: 'app' })).rejects.toThrow(
      /was written by PostgreSQL 17; this one is 18\. Delete that folder/,
    )
    writeFileSync(versionFile, '18\n')
  })

  test('the end of the log is shown when the server does not start', async () => {
    writeFileSync(join(dataDir, 'data/postgresql.conf'), 'nonsense = 1\n')
    await expect(startPostgres({ dataDir, database: 'app' })).rejects.toThrow(
      /PostgreSQL did not start.*unrecognized configuration parameter "nonsense"/s,
    )
  })
})

describe('startTemporaryPostgres', () => {
  test('a temporary server leaves nothing behind', async () => {
    const server = await startTemporaryPostgres({ database: 'app' })
    expect(await query(server.url, 'SHOW fsync')).toEqual([{ fsync: 'off' }])
    await server.stop()
    expect(existsSync(server.dataDir)).toBe(false)
  })
})
