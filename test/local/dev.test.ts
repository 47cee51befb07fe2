import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseDevVars } from '../../local/dev/dev-vars.ts'
import { assertPortsFree, readPorts } from '../../local/dev/settings.ts'
import { createStops } from '../../local/dev/stops.ts'
import { startWorker } from '../../local/dev/worker.ts'
import { startTemporaryPostgres } from '../../local/postgres/index.ts'
import { prettyLine } from '../../local/pretty-log.ts'
import { freePort } from '../../local/process/ports.ts'
import { keptSecret } from '../../local/secret.ts'
import { applyMigrations } from '../../scripts/migrate.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dev-test-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

test('a kept secret is random, persistent, and readable by its owner only', () => {
  const file = join(folder, 'upstash.token')
  writeFileSync(file, '', { mode: 0o600 }) // As after an interrupted start.
  for (const each of [file, join(folder, 'resend.key')]) {
    const secret = keptSecret(each)
    expect(secret).toMatch(/^[\w-]{32}$/)
    expect(statSync(each).mode & 0o777).toBe(0o600)
    expect(keptSecret(each)).toBe(secret)
  }
  expect(keptSecret(join(folder, 'resend.key'))).not.toBe(keptSecret(file))
})

describe('ports', () => {
  test('have defaults, which variables override', () => {
    const defaults = { mailbox: 8025, postgres: 54329, neon: 54330, upstash: 54331, example: 5173 }
    const env = { NEON_PORT: '', PORT: '9000' }
    expect(readPorts(env, { example: true })).toEqual({ worker: 9000, ...defaults })
  })

  test('that are invalid or used twice are errors with the variables', () => {
    const env = { PORT: 'x', NEON_PORT: '70000', UPSTASH_PORT: '8025' }
    expect(() => readPorts(env, { example: false })).toThrow(
      /PORT=x is not a port.*NEON_PORT=70000 is not a port.*UPSTASH_PORT and MAILBOX_PORT are both 8025/s,
    )
  })

  test('of the example are free for others when it does not run', () => {
    expect(readPorts({ PORT: '5173' }, { example: false }).worker).toBe(5173)
    expect(() => readPorts({ PORT: '5173' }, { example: true })).toThrow(
      'EXAMPLE_PORT and PORT are both 5173.',
    )
  })

  test('in use are one error with the variables', async () => {
    const servers = [createServer(), createServer()]
    const listen = async (server: Server) => {
      await once(server.listen(0, '127.0.0.1'), 'listening')
      return Object(server.address()).port
    }
    const [worker, postgres] = await Promise.all(servers.map(listen))
    const free = { mailbox: await freePort(), neon: await freePort(), upstash: await freePort() }
    const ports = { ...free, worker, postgres, example: worker }
    const check = (example: boolean) => assertPortsFree(ports, { example, timeoutMs: 0 })
    const services = `Port ${worker} is in use.* PORT=\\d+ npm run dev\n.*Port ${postgres} .*POSTGRES_PORT=`
    await expect(check(false)).rejects.toThrow(new RegExp(`${services}\\d+ npm run dev$`))
    await expect(check(true)).rejects.toThrow(/ EXAMPLE_PORT=\d+ npm run example$/)
    for (const server of servers) server.close()
  })
})

test('stops run in reverse order, despite errors, and include those added late', async () => {
  const order: string[] = []
  const stops = createStops((name) => order.push(`${name} exited`))
  stops.add(() => order.push('first'))
  stops.add(() => {
    order.push('second')
    throw new Error('expected in the output of this test')
  })
  const done = stops.run()
  expect(stops.begun()).toBe(true)
  stops.add(() => order.push('late'))
  await done
  await stops.run()
  expect(order).toEqual(['second', 'first', 'late'])
})

test('a part that ends is unexpected, unless it was stopped', async () => {
  const exited: string[] = []
  const stops = createStops((name) => exited.push(name))
  const part = (name: string) => {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    return { stop: stops.add(() => resolve(), { name, ended }), crash: resolve }
  }
  const [first, second, third] = [part('first'), part('second'), part('third')]
  await first.stop()
  await first.stop()
  second.crash()
  await stops.run()
  third.crash()
  expect(exited).toEqual(['second'])
})

test('prettyLine formats a log line, with or without color', () => {
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
  expect(prettyLine(line, false)).toBe(
    '03:04:05.678 warn  request POST /api/users/login 401 71 ms request_id=0d5e8c0a reason=unknown account',
  )
  expect(prettyLine(line, true)).toContain('\u001b[33m401\u001b[39m')
})

test.each([
  [
    'http://192.168.0.5:3000',
    'to let its pages call the service, add it to CORS_ORIGINS in .dev.vars',
  ],
  ['null', 'a page opened as a file has no origin: serve it over http'],
])('prettyLine says what to do about the origin %s', (origin, advice) => {
  const line = {
    time: '2026-01-02T03:04:05.678Z',
    level: 'warn',
    event: 'origin_not_allowed',
    origin,
  }
  expect(prettyLine(JSON.stringify({ ...line, variable: 'CORS_ORIGINS' }), false)).toBe(
    `03:04:05.678 warn  origin_not_allowed origin=${origin} variable=CORS_ORIGINS → ${advice}`,
  )
})

test.each(['hello', '{"a": 1}', '{broken', '✘ [ERROR] Build failed', ''])(
  'prettyLine returns %j unchanged',
  (line) => expect(prettyLine(line, true)).toBe(line),
)

test("prettyLine drops wrangler's own request lines", () => {
  expect(prettyLine('[wrangler:info] GET /x 200 OK (3ms)', true)).toBeUndefined()
})

const postgres = await startTemporaryPostgres({ database: 'migrated' })
afterAll(() => postgres.stop())

describe('applyMigrations', () => {
  test('applies each migration once, even in parallel', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => applyMigrations(postgres.url)))
    const { total } = await applyMigrations(postgres.url)
    expect(runs.map(({ applied }) => applied).sort()).toEqual([0, 0, total])
    expect(await applyMigrations(postgres.url)).toEqual({ applied: 0, total })
  })

  test('changes nothing if a migration fails, and reports the error', async () => {
    mkdirSync(join(folder, 'meta'))
    const entry = { version: '7', breakpoints: true }
    const entries = ['a', 'b'].map((tag, i) => ({ ...entry, idx: i, when: Date.now() + i, tag }))
    writeFileSync(join(folder, 'meta/_journal.json'), JSON.stringify({ entries }))
    writeFileSync(join(folder, 'a.sql'), 'CREATE TABLE half ();')
    writeFileSync(join(folder, 'b.sql'), 'CREATE TABLE broken (x nonsense);')
    await expect(applyMigrations(postgres.url, folder)).rejects.toThrow(
      'A migration failed and was rolled back: type "nonsense" does not exist',
    )
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    const { rows } = await client.query(`SELECT to_regclass('half') AS half`)
    await client.end()
    expect(rows).toEqual([{ half: null }])
  })

  test('reports an unreachable database without its password', async () => {
    const url = `postgresql://me:secret@127.0.0.1:${await freePort()}/x`
    const failure = await applyMigrations(url).catch((error: unknown) => String(error))
    expect(failure).toMatch(/Can't connect to the database: .*ECONNREFUSED.* Check DATABASE_URL\./)
    expect(failure).not.toContain('secret')
  })
})

/** As editors on Windows, shells and people write it. */
const ODD_FILE = [
  '\uFEFFBOM=first',
  'export EXPORTED = a b # comment',
  'TWICE=1',
  "SPREAD='{",
  '  "keys": []',
  "}'",
  'ESCAPED="a\\nb"',
  'BACKTICKS=`Ada\'s "name"`',
  'TWICE=2',
].join('\r\n')

describe('startWorker', () => {
  const VARIABLES = {
    GREETING: 'a:b c # d',
    KEYS: '{"keys": ["canary-of-a-secret"]}',
    QUOTED: `Ada's "name"`,
    PRICE: '$GREETING {$GREETING} \\n',
    LINES: '{\n  "a": 1\n}',
    ...Object.fromEntries(parseDevVars(ODD_FILE)),
  }

  /** The processes with this text in their arguments, which every user of the machine can read. */
  const processesWith = (text: string) =>
    execFileSync('ps', ['-eo', 'stat,args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(text))

  const start = async (source: string, lines: string[] = []) => {
    vi.stubEnv('TMPDIR', folder) // Where the file with the variables is.
    writeFileSync(join(folder, 'worker.js'), source)
    writeFileSync(join(folder, '.dev.vars'), 'FROM_THE_FILE=1\n')
    const config = 'name = "tiny"\nmain = "worker.js"\ncompatibility_date = "2026-01-01"\n'
    writeFileSync(join(folder, 'wrangler.toml'), config)
    return startWorker({
      folder,
      port: await freePort(),
      livePath: '/live',
      variables: VARIABLES,
      onLine: (line) => lines.push(line),
    })
  }

  test('runs the Worker in workerd with the variables and its log, until it is stopped', async () => {
    const lines: string[] = []
    const source = `export default { fetch(request, env) {
      console.log(JSON.stringify({ level: 'info', event: 'hit' }))
      return Response.json(env)
    } }`
    const worker = await start(source, lines)
    const response = await fetch(worker.url)
    expect(await response.json()).toEqual(VARIABLES)
    expect(VARIABLES).toMatchObject({ BOM: 'first', TWICE: '2', SPREAD: '{\n  "keys": []\n}' })
    await expect.poll(() => lines).toContain('{"level":"info","event":"hit"}')
    const [file = ''] = globSync(join(folder, 'variables-*/variables.env'))
    expect(readFileSync(file, 'utf8')).toContain('canary-of-a-secret')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(processesWith('canary-of-a-secret')).toEqual([])
    await worker.stop()
    await expect(fetch(worker.url)).rejects.toThrow()
    expect(processesWith(folder)).toEqual([])
    expect(existsSync(file)).toBe(false)
  })

  test('reports a build error with the output of wrangler', async () => {
    await expect(start('export default {')).rejects.toThrow(
      /The Worker .*Output of wrangler:.*found end of file/s,
    )
  })
})
