import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

async function killed(child: ReturnType<typeof spawn>) {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

describe('startPostgres', () => {
  it('makes a UTF-8 cluster on UTC, and keeps what is in it', async () => {
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

  it('refuses a second start and names the first', async () => {
    const { child, url } = await startElsewhere()
    await expect(startPostgres({ dataDir, database: 'app' })).rejects.toThrow(
      `PostgreSQL on ${dataDir} is already running (pid ${child.pid}).`,
    )
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await killed(child)
  })

  it('goes when its starter is killed, and starts again with the data', async () => {
    const { child } = await startElsewhere()
    const server = postmasterPid()
    await killed(child)
    await expect.poll(() => isAlive(server), { timeout: 10_000 }).toBe(false)
    const again = await startPostgres({ dataDir, database: 'app' })
    expect(await query(again.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
    await again.stop()
  })

  it.runIf(process.platform === 'linux')(
    'stops a server that lost its supervisor too',
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

  it('starts over what a crash of the machine left: a lock and a postmaster.pid of others', async () => {
    const pidFile = join(dataDir, 'data/postmaster.pid')
    writeFileSync(pidFile, `999999\n${dataDir}/data\n1\n1\n\n127.0.0.1\n1 1\nready\n`)
    // The number lives, but belongs to another process now.
    writeFileSync(join(dataDir, 'lock'), `${process.pid} of an earlier boot`)
    const again = await startPostgres({ dataDir, database: 'app' })
    expect(await query(again.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
    await again.stop()
  })

  it('says which port is in use', async () => {
    const port = await freePort()
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    await expect(startPostgres({ dataDir, port, database: 'app' })).rejects.toThrow(
      `Port ${port} for PostgreSQL is in use`,
    )
    other.close()
  })

  it('leaves the data of another version alone', async () => {
    const versionFile = join(dataDir, 'data/PG_VERSION')
    writeFileSync(versionFile, '17\n')
    await expect(startPostgres({ dataDir, database: 'app' })).rejects.toThrow(
      /was written by PostgreSQL 17; this one is 18\. Delete that folder/,
    )
    writeFileSync(versionFile, '18\n')
  })

  it('shows the end of the log when the server does not start', async () => {
    writeFileSync(join(dataDir, 'data/postgresql.conf'), 'nonsense = 1\n')
    await expect(startPostgres({ dataDir, database: 'app' })).rejects.toThrow(
      /PostgreSQL did not start.*unrecognized configuration parameter "nonsense"/s,
    )
  })
})

describe('startTemporaryPostgres', () => {
  it('leaves nothing behind', async () => {
    const server = await startTemporaryPostgres({ database: 'app' })
    expect(await query(server.url, 'SHOW fsync')).toEqual([{ fsync: 'off' }])
    await server.stop()
    expect(existsSync(server.dataDir)).toBe(false)
  })
})
