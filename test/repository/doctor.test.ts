import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { generateSigningKeys } from '../../scripts/keys.ts'
import type {} from '../setup/world.ts'
import { databaseWith, examine, examineAsProgram, expectFailure, faulty } from './examine.ts'

const { bindings } = inject('world')

describe('npm run doctor', () => {
  test('finds a good environment good', async () => {
    const { code, output } = await examine()
    expect(output).not.toMatch(/^(FAIL|warn)/m)
    for (const about of [
      'variables',
      'keys',
      'addresses',
      'database',
      'migrations',
      'first admin',
      'redis',
      'limiter',
      'mail',
    ]) {
      expect(output).toMatch(new RegExp(`^ok +${about} `, 'm'))
    }
    expect(output).toContain('Ready to deploy.')
    expect(code).toBe(0)
  })

  test('ends with 0 as a program when all is good, with 2 and the reason on stderr without the file', async () => {
    const good = await examineAsProgram([])
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(good.stdout).toContain('Ready to deploy.')
    const missing = await examineAsProgram(['--file', '/nowhere/vars'])
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    expect(missing.stderr).toContain("/nowhere/vars can't be read")
  })

  test('names every bad variable at once, and no value', async () => {
    const { code, output } = await examine({
      ENVIRONMENT: '',
      SECRET_KEY: 'short-and-secret',
      BCRYPT_COST: '99',
      JWT_SIGNING_KEYS: '{"keys": "canary"}',
    })
    expect(output).toMatch(/^FAIL +variables +ENVIRONMENT: is missing/m)
    expect(output).toMatch(/^FAIL +variables +SECRET_KEY: must be at least 32 random bytes/m)
    expect(output).toMatch(/^FAIL +variables +BCRYPT_COST: /m)
    expect(output).toMatch(/^FAIL +variables +JWT_SIGNING_KEYS: /m)
    expect(output).not.toContain('canary')
    expect(code).toBe(1)
  })

  test('reads a file, and warns of names in it that nothing reads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
    const file = join(folder, 'vars')
    const lines = Object.entries({ ...bindings, DATABSE_URL: 'slip', PROJECT_NAME: '' })
    await writeFile(file, lines.map(([name, value]) => `${name}='${value}'`).join('\n'))
    const { code, output } = await examine({}, ['--file', file])
    await rm(folder, { recursive: true })
    expect(output).toMatch(/^warn +variables +DATABSE_URL is none of this service/m)
    expect(output).toMatch(/^ok +mail /m)
    expect(code).toBe(0)
  })

  test('says which file it could not read', async () => {
    const { code, output } = await examine({}, ['--file', '/nowhere/vars'])
    expect(output).toContain("/nowhere/vars can't be read")
    expect(code).toBe(2)
  })

  test('finds a key whose halves do not belong together', async () => {
    const [one, other] = await Promise.all([generateSigningKeys(), generateSigningKeys()])
    const [key] = JSON.parse(one).keys
    const keys = [{ ...key, x: JSON.parse(other).keys[0].x }]
    const JWT_SIGNING_KEYS = JSON.stringify({ keys })
    await expectFailure({ JWT_SIGNING_KEYS }, /^FAIL +keys .*npm run keys/m)
  })

  test('finds local addresses in production', async () => {
    const { code, output } = await examine({
      ENVIRONMENT: 'production',
      FRONTEND_URL: 'http://app.example.com',
    })
    expect(output).toMatch(
      /^FAIL +addresses .*FRONTEND_URL.*http:\/\/localhost:5173.*CORS_ORIGINS/m,
    )
    expect(output).toMatch(/^FAIL +addresses .*NEON_HTTP_URL.*RESEND_BASE_URL/m)
    expect(code).toBe(1)
  })
})

describe('npm run doctor, with the database', () => {
  const FAIL = /^FAIL +database +PostgreSQL /m.source

  test('away', async () => {
    const NEON_HTTP_URL = await faulty('neon', { kind: 'refuse' })
    await expectFailure({ NEON_HTTP_URL }, new RegExp(`${FAIL}can't be reached`, 'm'))
  })

  test('refusing the password', async () => {
    const url = new URL(bindings['DATABASE_URL'] ?? '')
    url.password = 'wrong-password-canary'
    const replaced = { DATABASE_URL: url.href }
    await expectFailure(replaced, new RegExp(`${FAIL}refuses the user or the password`, 'm'))
  })

  test('of another name', async () => {
    const DATABASE_URL = new URL('/nothing', bindings['DATABASE_URL']).href
    await expectFailure({ DATABASE_URL }, new RegExp(`${FAIL}has no database of this name`, 'm'))
  })

  test('never migrated', async () => {
    const DATABASE_URL = await databaseWith('drop schema drizzle cascade')
    await expectFailure({ DATABASE_URL }, /^FAIL +migrations +0000_\w+, .*npm run migrate/m)
  })

  test('without the first migration', async () => {
    const DATABASE_URL = await databaseWith(
      'delete from drizzle.__drizzle_migrations where id = (select min(id) from drizzle.__drizzle_migrations)',
    )
    await expectFailure({ DATABASE_URL }, /^FAIL +migrations +0000_\w+ not applied/m)
  })

  test('with a migration that was changed', async () => {
    const DATABASE_URL = await databaseWith(
      `update drizzle.__drizzle_migrations set hash = 'other'`,
    )
    await expectFailure({ DATABASE_URL }, /^FAIL +migrations +0000_\w+ was changed/m)
  })

  test('ahead of this code, and with no way to a first admin', async () => {
    const { code, output } = await examine({
      ADMIN_BOOTSTRAP_TOKEN: '',
      DATABASE_URL: await databaseWith(
        `insert into drizzle.__drizzle_migrations (hash, created_at) values ('next', 9999999999999)`,
      ),
    })
    expect(output).toMatch(/^warn +migrations +1 more/m)
    expect(output).toMatch(/^warn +first admin .*Set ADMIN_BOOTSTRAP_TOKEN/m)
    expect(code).toBe(0)
  })
})

describe('npm run doctor, with Redis', () => {
  test('refusing the token', async () => {
    const UPSTASH_REDIS_REST_TOKEN = 'wrong-token-canary'
    await expectFailure({ UPSTASH_REDIS_REST_TOKEN }, /^FAIL +redis +Redis refuses the token/m)
  })

  test('hanging: it waits a bounded time', async () => {
    const UPSTASH_REDIS_REST_URL = await faulty('upstash', { kind: 'hang' })
    await expectFailure(
      { UPSTASH_REDIS_REST_URL },
      /^FAIL +redis +Redis does not answer within 8 s/m,
    )
  })

  test('refusing connections', async () => {
    const UPSTASH_REDIS_REST_URL = 'http://127.0.0.1:1'
    await expectFailure({ UPSTASH_REDIS_REST_URL }, /^FAIL +redis +Redis /m)
  })

  test('being something else', async () => {
    const UPSTASH_REDIS_REST_URL = inject('world').neonUrl
    await expectFailure({ UPSTASH_REDIS_REST_URL }, /^FAIL +redis .*REST API/m)
  })

  test('running no scripts, as with a read-only token', async () => {
    const refusal = '{"error":"NOPERM this user has no permissions to run the evalsha command"}'
    const fault = { kind: 'status', status: 400, body: refusal, match: 'eval' } as const
    const UPSTASH_REDIS_REST_URL = await faulty('upstash', fault)
    await expectFailure({ UPSTASH_REDIS_REST_URL }, /^FAIL +limiter .*standard token/m)
  })
})

describe('npm run doctor, with mail', () => {
  /** As Resend answers `GET /domains`, by the key. */
  const ANSWERS: Record<string, [number, object]> = {
    re_good: [200, { data: [{ name: 'example.com', status: 'verified' }] }],
    re_pending: [200, { data: [{ name: 'example.com', status: 'pending' }] }],
    re_other: [200, { data: [{ name: 'example.org', status: 'verified' }] }],
    re_sending: [401, { statusCode: 401, name: 'restricted_api_key', message: '' }],
    re_down: [503, {}],
  }
  const REFUSED: [number, object] = [403, { statusCode: 403, name: 'invalid_api_key', message: '' }]
  let resend: Server
  let url: string

  beforeAll(async () => {
    resend = createServer((request, response) => {
      const key = request.headers.authorization?.replace('Bearer ', '') ?? ''
      const [status, body] = ANSWERS[key] ?? REFUSED
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => resend.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(resend.address() as AddressInfo).port}`
  })
  afterAll(() => resend.close())

  test.for([
    ['re_good', /^ok +mail .*has verified example\.com/m],
    ['re_sending', /^ok +mail .*may only send/m],
  ] as const)('and the key %s is content', async ([key, line]) => {
    const { code, output } = await examine({ RESEND_API_KEY: key, RESEND_BASE_URL: url })
    expect(output).toMatch(line)
    expect(code).toBe(0)
  })

  test.for([
    ['re_pending', /^FAIL +mail .*not verified example\.com yet/m],
    ['re_other', /^FAIL +mail .*does not know the domain/m],
    ['re_down', /^FAIL +mail .*HTTP 503/m],
    ['re_unknown', /^FAIL +mail +Resend refuses RESEND_API_KEY/m],
  ] as const)('and the key %s is not', ([key, line]) =>
    expectFailure({ RESEND_API_KEY: key, RESEND_BASE_URL: url }, line),
  )

  test('not set up warns', async () => {
    const { code, output } = await examine({ EMAIL_FROM: '' })
    expect(output).toMatch(/^warn +mail .*no mail goes out/m)
    expect(code).toBe(0)
  })
})
