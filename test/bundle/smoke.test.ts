/** `npm run smoke` on the bundle as `npm run standalone` serves it, sound and spoiled. */

import { hash } from 'bcryptjs'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest'
import { byDatabase } from '../../scripts/smoke/eraser.ts'
import { examine } from '../../scripts/smoke/examine.ts'
import { live } from '../../scripts/smoke/life.ts'
import { resendMailbox } from '../../scripts/smoke/mailbox.ts'
import { serveStandalone, startSmoke } from './programs.ts'
import { PASSWORD, sql } from './served-bundle.ts'
import { FAULTS } from './smoke-faults.ts'
import { type Tampering, tamperWith } from './tampering-proxy.ts'

const FRONTEND = 'https://app.example.com'

let service: Awaited<ReturnType<typeof serveStandalone>>

beforeAll(async () => {
  service = await serveStandalone()
  // The first probe of a new isolate may take longer than its limit on a busy machine.
  const health = async () => (await fetch(`${service.url}/health`)).status
  await vi.waitUntil(async () => (await health()) === 200, { timeout: 30_000, interval: 1000 })
})
afterAll(async () => {
  expect(await service.stop()).toBe(0)
})

/** What the checks find, by the checks that failed. */
async function problemsAt(url: string, timeoutMs = 10_000) {
  const { ok, checks } = await examine({ url, origin: FRONTEND, timeoutMs })
  const failed = checks.filter(({ status }) => status === 'failed')
  expect(ok).toBe(failed.length === 0)
  return Object.fromEntries(failed.map(({ name, problems }) => [name, problems]))
}

/** Besides `live`, `health` and `tls`. */
const CHECKED = [
  ...[
    'headers',
    'cors',
    'jwks',
    'document',
    'pages',
    'errors',
    'authentication',
    'version',
    'limits',
  ],
  ...['metrics', 'leaks'],
]

test('of a sound service all checks pass, in a report with stable keys', async () => {
  const { code, report } = await startSmoke(service.url, ['--origin', FRONTEND]).report()
  expect(report).toEqual({
    url: service.url,
    ok: true,
    started_at: expect.stringMatching(/Z$/),
    duration_ms: expect.any(Number),
    checks: expect.any(Array),
  })
  expect(code).toBe(0)
  expect(report.checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'live ok',
    expect.stringMatching(/^health (?:ok|warn)$/),
    'tls skipped',
    ...CHECKED.map((name) => `${name} ok`),
  ])
  expect(Object.keys(report.checks[0] ?? {})).toEqual([
    ...['name', 'status', 'note', 'problems', 'warnings', 'duration_ms'],
  ])
})

test.each(Object.entries(FAULTS))(
  '%s is noticed, by the checks that look at it and no other',
  async (_, [tamper, noticed]) => {
    const problems = await problemsAt(await tamperWith(service.url, tamper))
    expect(Object.keys(problems)).toEqual(Object.keys(noticed))
    for (const [check, message] of Object.entries(noticed)) {
      expect(problems[check]).toContainEqual(expect.stringMatching(message))
    }
  },
)

test('a page that hangs is noticed, and does not hold up the other checks', async () => {
  const url = await tamperWith(service.url, ({ path }) => (path === '/docs' ? 'hang' : undefined))
  const problems = await problemsAt(url, 3000)
  expect(problems['pages']).toEqual(['not finished within 3 s'])
  expect(problems).not.toHaveProperty('live')
})

test('a certificate that is self-signed and has expired is noticed', async () => {
  const problems = await problemsAt(await tamperWith(service.url, () => undefined, true))
  expect(problems['tls']).toEqual([
    expect.stringMatching(/^the certificate has expired on /),
    'the certificate is not trusted: CERT_HAS_EXPIRED',
  ])
  expect(problems['live']).toEqual(['the service has an expired certificate'])
})

test('where nothing listens, each check says so', async () => {
  const problems = await problemsAt('https://127.0.0.1:2')
  const reason = 'the service does not accept connections'
  expect(new Set(Object.values(problems).flat())).toEqual(new Set([reason]))
  expect(problems).toMatchObject({ live: [reason], tls: [reason] })
})

const { bindings, mailboxUrl } = inject('world')

const MEANS = {
  RESEND_API_KEY: bindings['RESEND_API_KEY'] ?? '',
  RESEND_BASE_URL: mailboxUrl,
  DATABASE_URL: bindings['DATABASE_URL'] ?? '',
}

/** As a program. */
const startLife = (url: string, variables: Record<string, string> = MEANS) =>
  startSmoke(url, ['--write', '--timeout', '10'], variables)

/** The steps that failed, with their problems, and those that were skipped. */
async function liveAt(url: string, database = MEANS.DATABASE_URL) {
  const means = {
    mailTo: 'smoke-{id}@example.com',
    mailbox: resendMailbox({ apiKey: MEANS.RESEND_API_KEY, baseUrl: MEANS.RESEND_BASE_URL }),
    erase: byDatabase(database),
  }
  const target = { url, origin: undefined, timeoutMs: 10_000 }
  const results = await live(target, means, new AbortController().signal)
  const failed = results.filter(({ status }) => status === 'failed')
  return {
    problems: Object.fromEntries(failed.map(({ name, problems }) => [name, problems])),
    skipped: results.filter(({ status }) => status === 'skipped').map(({ name }) => name),
  }
}

/** A service in front of which a proxy tampers with some calls, and the names that were registered. */
async function spoiled(tamper: Tampering = () => undefined) {
  const names: string[] = []
  const url = await tamperWith(service.url, (asked, replied) => {
    const isRegister = asked.path === '/api/users/register' && replied.status === 201
    if (isRegister) names.push(JSON.parse(asked.body).username)
    return tamper(asked, replied)
  })
  return { url, names }
}

/** How many rows are left of these accounts: themselves, their sessions and what else they had. */
async function remainsOf(names: string[]): Promise<number> {
  expect(names).toHaveLength(1)
  const database = new pg.Client({ connectionString: MEANS.DATABASE_URL })
  await database.connect()
  onTestFinished(() => database.end())
  const { rowCount } = await database.query('select from users where username = any($1)', [names])
  return rowCount ?? 0
}

test('an account lives, gets an email and is erased, and no secret is printed', async () => {
  const { url, names } = await spoiled()
  const { code, report, stdout } = await startLife(url).report()
  const life = report.checks.filter(({ name }) => name.startsWith('write.'))
  expect(life.map(({ name, status }) => `${name.slice('write.'.length)} ${status}`)).toEqual([
    ...['register ok', 'login ok', 'update ok', 'refresh ok', 'sessions ok', 'change-password ok'],
    ...['reset-password ok', 'export ok', 'logout ok', 'delete ok', 'erase ok'],
  ])
  expect(code).toBe(0)
  expect(await remainsOf(names)).toBe(0)
  for (const secret of Object.values(MEANS)) expect(stdout).not.toContain(secret)
  expect(stdout).not.toMatch(/eyJ|smoke [\da-f-]{36}/)
})

test('a superadmin erases the account by the API, and logs out', async () => {
  const { url, names } = await spoiled()
  const admin = { username: `smoke-admin-${Date.now()}`, password: PASSWORD }
  const columns = 'username, email, hashed_password, is_superadmin'
  await sql(`insert into admins (${columns}) values ($1, $1 || '@example.com', $2, true)`, [
    ...[admin.username, await hash(PASSWORD, 10)],
  ])
  const { DATABASE_URL: _, ...mailbox } = MEANS
  const credentials = {
    SMOKE_ADMIN_USERNAME: admin.username,
    SMOKE_ADMIN_PASSWORD: admin.password,
  }
  const { problems } = await startLife(url, { ...mailbox, ...credentials }).report()
  expect(problems).toEqual({})
  expect(await remainsOf(names)).toBe(0)
})

const LIVES: [what: string, Tampering, step: string, problem: RegExp][] = [
  [
    'a lost response to the registration',
    ({ path }) => (path === '/api/users/register' ? 'lose' : undefined),
    'register',
    /^the service is unreachable$/,
  ],
  [
    'another token for the racer',
    ({ path }, reply) => {
      if (path !== '/api/users/refresh' || reply.status !== 200) return
      const unique = { refresh_token: crypto.randomUUID() }
      reply.body = JSON.stringify({ ...JSON.parse(reply.body), ...unique })
    },
    'refresh',
    /refresh_token: is another one within the grace time$/,
  ],
  [
    'an old password that still works',
    ({ path }, reply) => {
      if (path === '/api/users/login' && reply.status === 401) reply.status = 200
    },
    'change-password',
    /^POST \/api\/users\/login returns 200 instead of 401$/,
  ],
]

test.each(LIVES)('%s is noticed, and nothing is left', async (_, tamper, step, problem) => {
  const { url, names } = await spoiled(tamper)
  const { problems, skipped } = await liveAt(url)
  expect(problems).toEqual({ [`write.${step}`]: [expect.stringMatching(problem)] })
  expect(skipped).toContain('write.delete')
  expect(await remainsOf(names)).toBe(0)
})

test('after Ctrl-C nothing is left', async () => {
  const life: { interrupt?: () => void } = {}
  const { url, names } = await spoiled(({ path }, { status }) => {
    if (path !== '/api/users/me/sessions' || status !== 200) return undefined
    life.interrupt?.()
    return 'hang'
  })
  const smoke = startLife(url)
  life.interrupt = smoke.interrupt
  const { code, problems } = await smoke.report()
  expect({ code, problems }).toEqual({ code: 1, problems: { 'write.sessions': ['interrupted'] } })
  expect(await remainsOf(names)).toBe(0)
})

test("an account that can't be erased is named", async () => {
  const { url, names } = await spoiled()
  const elsewhere = new URL(MEANS.DATABASE_URL)
  elsewhere.pathname = '/accounts_template'
  const { problems } = await liveAt(url, elsewhere.href)
  expect(problems).toEqual({
    'write.erase': [
      `the user ${names[0]} may remain, erase it yourself: it is not in the database of DATABASE_URL`,
    ],
  })
})
