import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ensureDevVars } from '../../local/dev/dev-vars.ts'
import { assertPortsFree, readPorts } from '../../local/dev/settings.ts'
import { createStops } from '../../local/dev/stops.ts'
import { startWorker } from '../../local/dev/worker.ts'
import { type LocalPostgres, startTemporaryPostgres } from '../../local/postgres/index.ts'
import { prettyLine } from '../../local/pretty-log.ts'
import { freePort } from '../../local/process/ports.ts'
import { keptSecret } from '../../local/secret.ts'
import { applyMigrations } from '../../scripts/migrate.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dev-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('.dev.vars', () => {
  const generate = { SECRET_KEY: () => 'fresh', JWT_KEYS: async () => '{"keys": ["a#b"]}' }
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const read = () => readFileSync(join(folder, '.dev.vars'), 'utf8')

  test('is made from the example, the secrets filled in, for its owner alone', async () => {
    write(
      '.dev.vars.example',
      '# A comment.\nSECRET_KEY=\nJWT_KEYS=""\nDATABASE_URL=\nNAME="A b"\n',
    )
    const { values, done } = await ensureDevVars(folder, generate)
    expect(read()).toBe(
      `# A comment.\nSECRET_KEY=fresh\nJWT_KEYS='{"keys": ["a#b"]}'\nDATABASE_URL=\nNAME="A b"\n`,
    )
    expect(statSync(join(folder, '.dev.vars')).mode & 0o777).toBe(0o600)
    expect(Object.fromEntries(values)).toEqual({
      SECRET_KEY: 'fresh',
      JWT_KEYS: '{"keys": ["a#b"]}',
      NAME: 'A b',
    })
    expect(done).toEqual([
      'Made .dev.vars from .dev.vars.example.',
      'Put a fresh SECRET_KEY and JWT_KEYS into .dev.vars.',
    ])
  })

  test('keeps what the user has set, and is not touched when nothing is missing', async () => {
    const text = 'SECRET_KEY = mine\nDATABASE_URL=postgresql://x\nJWT_KEYS="theirs"'
    write('.dev.vars', text)
    const { values, done } = await ensureDevVars(folder, generate)
    expect(read()).toBe(text)
    expect(done).toEqual([])
    expect(values.get('SECRET_KEY')).toBe('mine')
    expect(values.get('DATABASE_URL')).toBe('postgresql://x')
  })

  test('gets a line for a secret that is missing', async () => {
    write('.dev.vars', 'SECRET_KEY=mine')
    const { done } = await ensureDevVars(folder, generate)
    expect(read()).toBe(`SECRET_KEY=mine\nJWT_KEYS='{"keys": ["a#b"]}'\n`)
    expect(done).toEqual(['Put a fresh JWT_KEYS into .dev.vars.'])
  })
})

describe('a secret', () => {
  test('is random, kept in its file for the owner alone, and different in another folder', () => {
    const file = join(folder, 'upstash.token')
    const secret = keptSecret(file)
    expect(secret).toMatch(/^[\w-]{32}$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(keptSecret(file)).toBe(secret)
    expect(keptSecret(join(folder, 'other.token'))).not.toBe(secret)
  })

  test('is made again if its file was left empty', () => {
    const file = join(folder, 'upstash.token')
    writeFileSync(file, '')
    expect(keptSecret(file)).toHaveLength(32)
    expect(keptSecret(file)).toBe(readFileSync(file, 'utf8'))
  })
})

describe('ports', () => {
  test('have defaults and are changed by variables', () => {
    expect(readPorts({ NEON_PORT: '', PORT: '9000' })).toEqual({
      worker: 9000,
      mailbox: 8025,
      postgres: 54329,
      neon: 54330,
      upstash: 54331,
    })
  })

  test('are rejected with the variable named', () => {
    expect(() => readPorts({ PORT: 'x', NEON_PORT: '70000', UPSTASH_PORT: '8025' })).toThrow(
      /PORT=x is not a port.*NEON_PORT=70000 is not a port.*UPSTASH_PORT and MAILBOX_PORT are both 8025/s,
    )
  })

  test('in use are named all at once, with the variable that changes each', async () => {
    const free = { mailbox: await freePort(), neon: await freePort(), upstash: await freePort() }
    const [worker, postgres] = [createServer().listen(0, '127.0.0.1'), createServer()]
    postgres.listen(0, '127.0.0.1')
    await Promise.all([once(worker, 'listening'), once(postgres, 'listening')])
    const portOf = (server: typeof worker) => Object(server.address()).port
    const ports = { ...free, worker: portOf(worker), postgres: portOf(postgres) }
    await expect(assertPortsFree(ports, 0)).rejects.toThrow(
      new RegExp(
        `Port ${ports.worker} is in use.* PORT=.*\n.*Port ${ports.postgres} .*POSTGRES_PORT=`,
      ),
    )
    worker.close()
    postgres.close()
  })
})

describe('stopping', () => {
  test('runs backwards, continues after a failure, and includes what is added late', async () => {
    const stops = createStops()
    const order: string[] = []
    stops.add(() => order.push('first'))
    stops.add(() => {
      order.push('second')
      throw new Error('expected: shown by this test')
    })
    const done = stops.run()
    expect(stops.begun()).toBe(true)
    stops.add(() => order.push('late'))
    await done
    await stops.run()
    expect(order).toEqual(['second', 'first', 'late'])
  })
})

describe('prettyLine', () => {
  const line = JSON.stringify({
    time: '2026-01-02T03:04:05.678Z',
    level: 'warn',
    event: 'request',
    request_id: '0d5e8c0a-1111-4222-8333-444455556666',
    method: 'POST',
    route: '/api/users/login',
    status: 401,
    duration_ms: 71,
    reason: 'unknown account',
    user_id: null,
  })

  test('shows a log line on one line, with and without color', () => {
    expect(prettyLine(line, false)).toBe(
      '03:04:05.678 warn  request POST /api/users/login 401 71 ms request_id=0d5e8c0a reason=unknown account',
    )
    expect(prettyLine(line, true)).toContain('\u001b[33m401\u001b[39m')
  })

  test('other lines are unchanged, and what wrangler repeats is dropped', () => {
    for (const other of ['hello', '{"a": 1}', '{broken', '✘ [ERROR] Build failed', '']) {
      expect(prettyLine(other, true)).toBe(other)
    }
    expect(prettyLine('[wrangler:info] GET /x 200 OK (3ms)', true)).toBeUndefined()
  })
})

describe('migrations', () => {
  let postgres: LocalPostgres
  beforeAll(async () => {
    postgres = await startTemporaryPostgres({ database: 'migrated' })
  })
  afterAll(() => postgres.stop())

  test('are applied once, by however many at a time, and again as a no-op', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => applyMigrations(postgres.url)))
    const { total } = await applyMigrations(postgres.url)
    expect(runs.map(({ applied }) => applied).sort()).toEqual([0, 0, total])
    expect(await applyMigrations(postgres.url)).toEqual({ applied: 0, total })
  })

  test('change nothing when one fails, and say why', async () => {
    mkdirSync(join(folder, 'meta'))
    const entry = { version: '7', breakpoints: true }
    const entries = ['a', 'b'].map((tag, i) => ({ ...entry, idx: i, when: Date.now() + i, tag }))
    writeFileSync(join(folder, 'meta/_journal.json'), JSON.stringify({ entries }))
    writeFileSync(join(folder, 'a.sql'), 'CREATE TABLE half ();')
    writeFileSync(join(folder, 'b.sql'), 'CREATE TABLE broken (x nonsense);')
    await expect(applyMigrations(postgres.url, folder)).rejects.toThrow(
      'A migration failed, and nothing was changed: type "nonsense" does not exist',
    )
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    const { rows } = await client.query(`SELECT to_regclass('half') AS half`)
    await client.end()
    expect(rows).toEqual([{ half: null }])
  })

  test('say that the database can not be reached, without the password', async () => {
    const url = `postgresql://me:secret@127.0.0.1:${await freePort()}/x`
    const failure = await applyMigrations(url).catch((error: unknown) => String(error))
    expect(failure).toMatch(
      /The database can't be reached: .*ECONNREFUSED.* Is DATABASE_URL right\?/,
    )
    expect(failure).not.toContain('secret')
  })
})

describe('the Worker', () => {
  const options = (port: number, lines: string[]) => ({
    folder,
    port,
    livePath: '/live',
    variables: { GREETING: 'a:b c', EMPTY: 'given' },
    onLine: (line: string) => lines.push(line),
  })

  beforeEach(() => {
    writeFileSync(
      join(folder, 'wrangler.toml'),
      'name = "tiny"\nmain = "worker.js"\ncompatibility_date = "2026-01-01"\n',
    )
    writeFileSync(join(folder, '.dev.vars'), 'EMPTY=\n')
  })

  test('runs in workerd with the variables given, logs, and is gone when stopped', async () => {
    writeFileSync(
      join(folder, 'worker.js'),
      `export default { fetch(request, env) {
        console.log(JSON.stringify({ level: 'info', event: 'hit' }))
        return Response.json(env)
      } }`,
    )
    const lines: string[] = []
    const worker = await startWorker(options(await freePort(), lines))
    const answer = await fetch(worker.url)
    expect(await answer.json()).toEqual({ GREETING: 'a:b c', EMPTY: 'given' })
    await expect.poll(() => lines).toContain('{"level":"info","event":"hit"}')
    await worker.stop()
    await expect(fetch(worker.url)).rejects.toThrow()
    const left = execFileSync('ps', ['-eo', 'stat,args'], { encoding: 'utf8' })
    expect(left.split('\n').filter((line) => line.includes(folder))).toEqual([])
  })

  test('that does not build is reported with the message of wrangler', async () => {
    writeFileSync(join(folder, 'worker.js'), 'export default {')
    await expect(startWorker(options(await freePort(), []))).rejects.toThrow(
      /The Worker .*wrangler says:.*found end of file/s,
    )
  })
})
