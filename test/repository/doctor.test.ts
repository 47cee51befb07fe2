import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { generateSecretKey, generateSigningKeys } from '../../scripts/keys/generate.ts'
import type {} from '../setup/world.ts'
import { databaseWith, examine, examineAsProgram, faulty } from './examine.ts'

const { bindings, neonUrl } = inject('world')

test('npm run doctor exits with 0 and one ok line per check when the environment is sound', async () => {
  const { code, stdout, stderr } = await examineAsProgram([])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).not.toMatch(/^(FAIL|warn)/m)
  const checks = [...stdout.matchAll(/^ok +((?: ?\S)+)/gm)].map(([, check]) => check)
  // The engine in memory does not tell.
  expect([...new Set(checks)].filter((check) => check !== 'eviction')).toEqual([
    ...['variables', 'keys', 'addresses', 'database', 'migrations', 'first admin'],
    ...['redis', 'limiter', 'mail'],
  ])
  expect(stdout).toMatch(/^Checking the variables of the shell\.\n/)
  expect(stdout).toMatch(
    /\nReady for test\. Only staging and production are environments to deploy\.\n$/,
  )
})

test('npm run doctor exits with 2 and the reason on stderr when the file can’t be read', async () => {
  const { code, stdout, stderr } = await examineAsProgram(['--file', '/nowhere/vars'])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain("Can't read /nowhere/vars")
})

test('npm run doctor reports every invalid variable at once, without its value', async () => {
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

test('npm run doctor reads a file, and warns of unknown variables in it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
  const file = join(folder, 'vars')
  const lines = Object.entries({ ...bindings, DATABSE_URL: 'slip', PROJECT_NAME: '' })
  await writeFile(file, lines.map(([name, value]) => `${name}='${value}'`).join('\n'))
  const { code, stdout: output } = await examineAsProgram(['--file', file], {})
  await rm(folder, { recursive: true })
  expect(output).toMatch(/^Checking the file /)
  expect(output).toMatch(/^warn +variables +DATABSE_URL is not a known variable/m)
  expect(output).toMatch(/^ok +mail /m)
  expect(code).toBe(0)
})

test.each(['staging', 'production'])(
  'npm run doctor fails for local addresses in %s',
  async (name) => {
    const { code, output } = await examine({
      ENVIRONMENT: name,
      FRONTEND_URL: 'http://app.example.com',
    })
    const failed = [...output.matchAll(/^FAIL +variables +(\w+): .*staging and production/gm)]
    expect(failed.map(([, variable]) => variable)).toEqual([
      ...['DATABASE_URL', 'NEON_HTTP_URL', 'UPSTASH_REDIS_REST_URL', 'RESEND_BASE_URL'],
      ...['PUBLIC_URL', 'FRONTEND_URL', 'CORS_ORIGINS', 'EMAIL_FROM'],
    ])
    expect(code).toBe(1)
  },
)

async function mismatchedKeys() {
  const [one, other] = await Promise.all([generateSigningKeys(), generateSigningKeys()])
  const [key] = JSON.parse(one).keys
  return JSON.stringify({ keys: [{ ...key, x: JSON.parse(other).keys[0].x }] })
}

const databaseUrl = (parts: Partial<URL>) =>
  Object.assign(new URL(bindings['DATABASE_URL'] ?? ''), parts).href

const FIRST_MIGRATION = '(select min(id) from drizzle.__drizzle_migrations)'

/** As Redis responds to a read-only token. */
const NO_SCRIPTS = {
  kind: 'status',
  status: 400,
  body: '{"error":"NOPERM this user has no permissions to run the evalsha command"}',
  match: 'eval',
} as const

/** At once, as each check has its own time limit to wait for. */
test.concurrent.each<
  [what: string, variable: string, value: () => string | Promise<string>, line: RegExp]
>([
  [
    'a mismatched key pair',
    'JWT_SIGNING_KEYS',
    mismatchedKeys,
    /^FAIL +variables +JWT_SIGNING_KEYS: .*x and d/m,
  ],
  [
    'an outage of the database',
    'NEON_HTTP_URL',
    () => faulty('neon', { kind: 'disconnect' }),
    /^FAIL +database +PostgreSQL is unreachable/m,
  ],
  [
    'a wrong database password',
    'DATABASE_URL',
    () => databaseUrl({ password: 'wrong-password-canary' }),
    /^FAIL +database +PostgreSQL rejects the user name or password/m,
  ],
  [
    'an unknown database',
    'DATABASE_URL',
    () => databaseUrl({ pathname: '/nothing' }),
    /^FAIL +database +PostgreSQL has no database with this name/m,
  ],
  [
    'a database without migrations',
    'DATABASE_URL',
    () => databaseWith('drop schema drizzle cascade'),
    /^FAIL +migrations +0000_\w+, .*npm run migrate/m,
  ],
  [
    'a database without the first migration',
    'DATABASE_URL',
    () => databaseWith(`delete from drizzle.__drizzle_migrations where id = ${FIRST_MIGRATION}`),
    /^FAIL +migrations +0000_\w+ not applied/m,
  ],
  [
    'a migration that was changed',
    'DATABASE_URL',
    () => databaseWith("update drizzle.__drizzle_migrations set hash = 'other'"),
    /^FAIL +migrations +0000_\w+ was changed/m,
  ],
  [
    'a wrong Redis token',
    'UPSTASH_REDIS_REST_TOKEN',
    () => 'wrong-token-canary',
    /^FAIL +redis +Redis rejects the token/m,
  ],
  [
    'a Redis that hangs',
    'UPSTASH_REDIS_REST_URL',
    () => faulty('upstash', { kind: 'hang' }),
    /^FAIL +redis +Redis does not respond within 8 s/m,
  ],
  [
    'a Redis that closes the connection',
    'UPSTASH_REDIS_REST_URL',
    () => 'http://127.0.0.1:1',
    /^FAIL +redis +Redis /m,
  ],
  [
    'another service in place of Redis',
    'UPSTASH_REDIS_REST_URL',
    () => neonUrl,
    /^FAIL +redis .*REST API/m,
  ],
  [
    'a Redis token that may not run scripts',
    'UPSTASH_REDIS_REST_URL',
    () => faulty('upstash', NO_SCRIPTS),
    /^FAIL +limiter .*standard token/m,
  ],
])('npm run doctor fails for %s, and for nothing else', async (_, variable, value, line) => {
  const { code, output } = await examine({ [variable]: await value() })
  expect(output).toMatch(line)
  expect(output.match(/^FAIL/gm)).toHaveLength(1)
  expect(code).toBe(1)
})

test('npm run doctor warns of a database ahead of this code, of no way to a first admin, of no mail and of two secrets', async () => {
  const { code, output } = await examine({
    ADMIN_BOOTSTRAP_TOKEN: '',
    SECRET_KEY_PREVIOUS: generateSecretKey(),
    EMAIL_FROM: '',
    DATABASE_URL: await databaseWith(
      "insert into drizzle.__drizzle_migrations (hash, created_at) values ('next', 9999999999999)",
    ),
  })
  expect(output).toMatch(/^warn +migrations +1 more/m)
  expect(output).toMatch(/^warn +first admin .*Set ADMIN_BOOTSTRAP_TOKEN/m)
  expect(output).toMatch(/^warn +mail .*no email is sent/m)
  expect(output).toMatch(/^warn +keys +SECRET_KEY_PREVIOUS still verifies/m)
  expect(code).toBe(0)
})

test('npm run doctor warns that old tokens are accepted, that their secret may be guessed, and that the time is over', async () => {
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
  const warningsOf = async (LEGACY_SECRET_KEY: string, LEGACY_UNTIL: string) => {
    const { code, output } = await examine({ LEGACY_SECRET_KEY, LEGACY_UNTIL })
    expect(output).not.toContain(LEGACY_SECRET_KEY)
    return { code, warnings: output.match(/(?<=^warn +old tokens +)\S+ \S+/gm) }
  }
  const guessable = await warningsOf('your-secret-key-of-32-characters', day(7))
  expect(guessable).toEqual({
    code: 0,
    warnings: ['accepted. Remove', 'LEGACY_SECRET_KEY may'],
  })
  const random = await warningsOf(generateSecretKey(), day(7))
  expect(random).toEqual({ code: 0, warnings: ['accepted. Remove'] })
  const over = await warningsOf(generateSecretKey(), '2025-01-31')
  expect(over).toEqual({ code: 0, warnings: ['LEGACY_UNTIL is'] })
})

describe('with a Resend key', () => {
  const domain = (name: string, status: string) => ({ data: [{ name, status }] })

  /** The response to `GET /domains`, by key. */
  const RESPONSES: Record<string, [status: number, body: object]> = {
    re_good: [200, domain('example.com', 'verified')],
    re_pending: [200, domain('example.com', 'pending')],
    re_other: [200, domain('example.org', 'verified')],
    re_sending: [401, { statusCode: 401, name: 'restricted_api_key', message: '' }],
    re_down: [503, {}],
    re_unknown: [403, { statusCode: 403, name: 'invalid_api_key', message: '' }],
  }
  let resend: Server
  let url: string

  beforeAll(async () => {
    resend = createServer((request, response) => {
      const key = request.headers.authorization?.replace('Bearer ', '') ?? ''
      const [status, body] = RESPONSES[key] ?? [500, {}]
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => resend.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(resend.address() as AddressInfo).port}`
  })
  afterAll(() => resend.close())

  test.each([
    ['re_good', 0, /^ok +mail .*has verified example\.com/m],
    ['re_sending', 0, /^ok +mail .*may only send/m],
    ['re_pending', 1, /^FAIL +mail .*not verified example\.com yet/m],
    ['re_other', 1, /^FAIL +mail .*does not know the domain/m],
    ['re_down', 1, /^FAIL +mail .*HTTP 503/m],
    ['re_unknown', 1, /^FAIL +mail +Resend rejects RESEND_API_KEY/m],
  ])('npm run doctor with the key %s exits with %i', async (key, exitCode, line) => {
    const { code, output } = await examine({ RESEND_API_KEY: key, RESEND_BASE_URL: url })
    expect(output).toMatch(line)
    expect(output.match(/^FAIL/gm) ?? []).toHaveLength(exitCode)
    expect(code).toBe(exitCode)
  })
})
