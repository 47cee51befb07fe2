import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { startPostgres, startTemporaryPostgres } from '../../local/postgres/index.ts'
import { freePort } from '../../local/process/ports.ts'

const INDEX = new URL('../../local/postgres/index.ts', import.meta.url).href
const folder = mkdtempSync(join(tmpdir(), 'postgres-test-'))
chmodSync(folder, 0o755) // As root, PostgreSQL runs as another user.
const dataDir = join(folder, 'kept')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the statements in one session. @returns the rows of the last one */
async function query(url: string, ...statements: string[]) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let rows: unknown[] = []
    for (const statement of statements) rows = (await client.query(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

/** Starts the server in `dataDir`. It is stopped after the test, unless the test does so. */
async function start(options: { database?: string; port?: number } = {}) {
  const lines: string[] = []
  const log = (line: string) => lines.push(line)
  const server = await startPostgres({ dataDir, database: 'app', log, ...options })
  onTestFinished(server.stop)
  return { ...server, lines }
}

/** Starts the server in another process, which keeps running. */
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
  const kill = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { pid: child.pid, url: String(chunk).trim(), kill }
}

const inData = (name: string) => join(dataDir, 'data', name)
const postmasterPid = () => Number.parseInt(readFileSync(inData('postmaster.pid'), 'utf8'), 10)

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const passwordOf = (role: string) => readFileSync(join(dataDir, `${role}.password`), 'utf8')

const superuserUrl = (url: string, password = passwordOf('superuser')) =>
  Object.assign(new URL(url), { username: 'local', password }).href

async function expectKeptData(url: string) {
  expect(await query(url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
}

test('the server uses UTF-8 and UTC, and keeps its data', async () => {
  const { url, stop } = await start()
  const settings = `SELECT current_database() AS db, current_setting('TimeZone') AS tz,
    current_setting('server_encoding') AS encoding, version() LIKE 'PostgreSQL 18%' AS v18`
  expect(await query(url, settings)).toEqual([
    { db: 'app', tz: 'UTC', encoding: 'UTF8', v18: true },
  ])
  await query(url, 'CREATE TABLE kept AS SELECT 1 AS n')
  await stop()
  await stop()
  const again = await start()
  await expectKeptData(again.url)
  await again.stop()
  expect(existsSync(join(dataDir, 'lock'))).toBe(false)
})

test('passwords are random and persistent, and only their owner can read them', async () => {
  const first = await start()
  const { password } = new URL(first.url)
  expect(password).toBe(passwordOf('app'))
  expect(password).not.toBe(passwordOf('superuser'))
  for (const role of ['app', 'superuser']) {
    expect(statSync(join(dataDir, `${role}.password`)).mode & 0o777).toBe(0o600)
  }
  await first.stop()
  expect(new URL((await start()).url).password).toBe(password)
})

test('the role owns its database but is not a superuser', async () => {
  const { url } = await start()
  const role = `SELECT rolsuper, rolcreatedb, rolcreaterole, datname AS owns
    FROM pg_roles LEFT JOIN pg_database ON datdba = pg_roles.oid WHERE rolname = current_user`
  expect(await query(url, role)).toEqual([
    { rolsuper: false, rolcreatedb: false, rolcreaterole: false, owns: 'app' },
  ])
  for (const statement of [
    `COPY (SELECT 1) TO PROGRAM 'cat'`,
    `COPY kept FROM '/etc/passwd'`,
    `ALTER SYSTEM SET fsync = off`,
    'CREATE DATABASE another',
    'SET ROLE local',
  ]) {
    await expect(query(url, statement), statement).rejects.toThrow(/permission denied/)
  }
})

test('data of an earlier version, owned by the superuser, is transferred to the role', async () => {
  const { url, stop } = await start({ database: 'former' })
  // In earlier versions the only role was a superuser whose password was its name.
  await query(
    superuserUrl(url),
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
  )
  await query(
    superuserUrl(new URL('/app', url).href, 'local'),
    'REASSIGN OWNED BY app TO local; DROP OWNED BY app; DROP ROLE app',
  )
  await stop()
  for (const role of ['app', 'superuser']) rmSync(join(dataDir, `${role}.password`))

  const updated = await start({ database: 'former' })
  await query(
    updated.url,
    'ALTER TABLE pets ADD name text',
    'INSERT INTO apart.log DEFAULT VALUES',
    'ALTER TABLE apart.log DROP n',
    `ALTER TYPE mood ADD VALUE 'good'`,
    'DROP VIEW happy',
    'DROP SEQUENCE free',
    'DROP FUNCTION one()',
    'CREATE TABLE public.fresh ()',
  )
  await expect(query(superuserUrl(updated.url, 'local'))).rejects.toThrow(/password/)
  expect(await query(superuserUrl(updated.url), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('only one process can run the server, which stops when that process is killed', async () => {
  const { pid, url, kill } = await startElsewhere()
  await expect(start()).rejects.toThrow(`PostgreSQL on ${dataDir} is already running (pid ${pid}).`)
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  const server = postmasterPid()
  await kill()
  await expect.poll(() => isAlive(server), { timeout: 10_000 }).toBe(false)
  await expectKeptData((await start()).url)
})

test.runIf(process.platform === 'linux')(
  'a server whose supervisor was killed too is stopped by the next start',
  async () => {
    const { kill } = await startElsewhere()
    const server = postmasterPid()
    const status = readFileSync(`/proc/${server}/status`, 'utf8')
    process.kill(Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]), 'SIGKILL')
    await kill()
    expect(isAlive(server)).toBe(true)

    const { url, lines } = await start()
    expect(lines).toEqual([
      `Stopping a PostgreSQL that an earlier run left running (pid ${server}).`,
    ])
    expect(postmasterPid()).not.toBe(server)
    await expectKeptData(url)
  },
)

test('a lock and a postmaster.pid left by a machine crash do not prevent a start', async () => {
  writeFileSync(
    inData('postmaster.pid'),
    `999999\n${dataDir}/data\n1\n1\n\n127.0.0.1\n1 1\nready\n`,
  )
  // The pid exists, but belongs to another process now.
  writeFileSync(join(dataDir, 'lock'), `${process.pid} of an earlier boot`)
  await expectKeptData((await start()).url)
})

test('a port in use is an error that has it', async () => {
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  await once(other, 'listening')
  await expect(start({ port })).rejects.toThrow(`Port ${port} for PostgreSQL is in use`)
  other.close()
})

test.each([
  [
    'a changed password file',
    '../superuser.password',
    'another',
    /PostgreSQL did not start: the password in superuser\.password is not the one/,
  ],
  [
    'data of another version',
    'PG_VERSION',
    '17\n',
    /was written by PostgreSQL 17, but this is version 18\. .*delete the folder/,
  ],
  [
    'an invalid configuration',
    'postgresql.conf',
    'nonsense = 1\n',
    /PostgreSQL did not start.*unrecognized configuration parameter "nonsense"/s,
  ],
])('%s is an error, and the data is kept', async (_, name, content, message) => {
  const file = inData(name)
  const original = readFileSync(file)
  writeFileSync(file, content)
  await expect(start()).rejects.toThrow(message)
  writeFileSync(file, original)
  await expectKeptData((await start()).url)
})

test('a temporary server has its own password and deletes its folder', async () => {
  const server = await startTemporaryPostgres({ database: 'app' })
  expect(new URL(server.url).password).not.toBe(passwordOf('app'))
  expect(await query(server.url, 'SHOW fsync')).toEqual([{ fsync: 'off' }])
  await server.stop()
  expect(existsSync(server.dataDir)).toBe(false)
})
