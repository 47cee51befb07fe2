import { createExecutionContext, createScheduledController } from 'cloudflare:test'
import { expect, test } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import { environment, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { listen } from './captured-log.ts'
import { deliver, expectUnavailable } from './faulty-world.ts'

const { paths } = await openApi()

/** A valid key, its two halves in order. */
const [{ x, d }] = JSON.parse(environment().JWT_SIGNING_KEYS).keys
const keySet = (...keys: object[]) =>
  JSON.stringify({ keys: keys.map((key) => ({ kty: 'OKP', crv: 'Ed25519', kid: 'a', ...key })) })

/** The public keys of two seeds: 32 zeros, and the bytes from 0 to 31. */
const ZEROS = {
  x: 'O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik',
  d: 'A'.repeat(43),
}
const ASCENDING = {
  x: 'A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg',
  d: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8',
}

/** RFC 8037, appendix A.1. */
const PUBLISHED = {
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
}

/** The key of FastAPI's tutorial. */
const TUTORIAL = '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7'

const FAULTS: [name: keyof Bindings, fault: string, value: unknown][] = [
  ['ENVIRONMENT', 'missing', undefined],
  ['SECRET_KEY', 'missing', undefined],
  ['SECRET_KEY', 'empty', ''],
  ['SECRET_KEY', 'short', 'Kq7sBv2mZx9LwT4r'],
  ['SECRET_KEY', 'short, with spaces', 'too short a secret of ours'],
  ['SECRET_KEY', 'one letter repeated', 'x'.repeat(64)],
  ['SECRET_KEY', 'eight letters repeated', 'abcdefgh'.repeat(8)],
  ['SECRET_KEY', 'a placeholder', 'changeme-changeme-changeme-changeme-1234567890'],
  ['SECRET_KEY', 'a placeholder and random letters', 'changeme-Kq7s3v9Qe1Lx7Rt5Yp0Wm2Nb8Hc4Jd6Fs'],
  ['SECRET_KEY', 'an example', 'your-secret-key-here-keep-it-very-secret-1234'],
  ['SECRET_KEY', 'the alphabet and the digits', 'abcdefghijklmnopqrstuvwxyz0123456789'],
  ['SECRET_KEY', 'the rows of a keyboard', 'qwertyuiopasdfghjklzxcvbnm1234567890'],
  ['SECRET_KEY', 'an alphabet between digits', 'a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6'],
  ['SECRET_KEY', 'that of a tutorial', TUTORIAL],
  ['SECRET_KEY_PREVIOUS', 'short', 'Kq7sBv2mZx9LwT4r'],
  ['SECRET_KEY_PREVIOUS', 'the alphabet and the digits', 'abcdefghijklmnopqrstuvwxyz0123456789'],
  ['SECRET_KEY_PREVIOUS', 'SECRET_KEY itself', environment().SECRET_KEY],
  ['JWT_SIGNING_KEYS', 'missing', undefined],
  ['JWT_SIGNING_KEYS', 'empty', ''],
  ['JWT_SIGNING_KEYS', 'not JSON', 'Kq7sBv2mZx9LwT4r'],
  ['JWT_SIGNING_KEYS', 'symmetric', '{"keys":[{"kty":"oct","kid":"canary-kid","k":"Y2FuYXJ5"}]}'],
  ['JWT_SIGNING_KEYS', 'an empty set', '{"keys":[]}'],
  ['JWT_SIGNING_KEYS', 'the same key twice', keySet({ x, d }, { x, d })],
  ['JWT_SIGNING_KEYS', 'a seed of zeros', keySet(ZEROS)],
  ['JWT_SIGNING_KEYS', 'a seed of ascending bytes', keySet({ x, d }, { ...ASCENDING, kid: 'b' })],
  ['JWT_SIGNING_KEYS', 'a published key', keySet(PUBLISHED)],
  ['JWT_SIGNING_KEYS', 'a public key of another seed', keySet({ ...ASCENDING, d })],
  ['DATABASE_URL', 'missing', undefined],
  ['DATABASE_URL', 'a MySQL URL', 'mysql://root:Kq7sBv2mZx9LwT4r@db.example/accounts'],
  ['UPSTASH_REDIS_REST_URL', 'missing', undefined],
  ['DATABASE_URL', 'without a database', 'postgres://Kq7sBv2mZx9LwT4r'],
  ['UPSTASH_REDIS_REST_URL', 'no URL', 'rediss-Kq7sBv2mZx9LwT4r'],
  ['UPSTASH_REDIS_REST_URL', 'one that the SDK rejects', 'https://a'],
  ['UPSTASH_REDIS_REST_TOKEN', 'blank', ' '],
  ['UPSTASH_REDIS_REST_TOKEN', 'missing', undefined],
  ['EMAIL_FROM', 'two addresses', 'canary-a@example.com,canary-b@example.com'],
  ['ADMIN_BOOTSTRAP_TOKEN', 'short', 'Kq7sBv2mZx9'],
  ['ADMIN_BOOTSTRAP_TOKEN', 'a placeholder', 'changeme-changeme-changeme'],
  ['ADMIN_BOOTSTRAP_TOKEN', 'the digits in order', '1234567890123456'],
  ['ADMIN_BOOTSTRAP_TOKEN', 'of 96 random bits', 'Kq7sBv2mZx9LwT4r'],
  ['ADMIN_BOOTSTRAP_TOKEN', 'SECRET_KEY itself', environment().SECRET_KEY],
  ['METRICS_TOKEN', 'of 96 random bits', 'Kq7sBv2mZx9LwT4r'],
  ['METRICS_TOKEN', 'SECRET_KEY itself', environment().SECRET_KEY],
  ['RESEND_API_KEY', 'with a line break', 're_Kq7sBv2m\n'],
  ['JWT_ISSUER', 'with a space', 'https://canary.example /accounts'],
  ['FRONTEND_URL', 'with a query', 'https://canary.example/?canary=1'],
  ['FRONTEND_URL', 'with a fragment', 'https://canary.example/#canary'],
  ['PUBLIC_URL', 'with a password', 'https://canary:Kq7s@canary.example'],
  ['ERASE_DELETED_AFTER_DAYS', 'zero', '0'],
  ['AUDIT_RETENTION_DAYS', 'below thirty', '29'],
  ['CORS_ORIGINS', 'a wildcard', '*'],
  ['CORS_ORIGINS', 'a pattern', 'https://*.canary.example'],
  ['BCRYPT_COST', 'too low', '4'],
  ['ACCESS_TOKEN_EXPIRE_MINUTES', 'not a number', 'canary'],
  ['FALLBACK_QUOTA', 'not bound', undefined],
  ['FALLBACK_LIMITER', 'not bound', undefined],
  ['FALLBACK_LIMITER', 'a variable', 'canary'],
  ['FALLBACK_QUOTA', 'a queue', environment().MAIL_QUEUE],
  ['MAIL_QUEUE', 'a limiter', environment().FALLBACK_LIMITER],
  ['ASSETS', 'not bound', undefined],
  ['ASSETS', 'a variable', 'canary'],
]

function configured(replaced: Record<string, unknown>) {
  const entries = Object.entries({ ...environment(), ...replaced })
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined),
  ) as unknown as Bindings
}

const reports = (output: ReturnType<typeof listen>) =>
  output.lines().filter(({ event }) => event === 'configuration_invalid')

test.each(FAULTS)(
  '15: if %s is %s, every path but /health/live is 503; the log names the variable, not the value',
  async (name, _, value) => {
    const output = listen()
    const env = configured({ [name]: value })
    const caller = visitor({ env, token: 'a.b.c' })
    const bodies = []
    for (const [path, operations] of Object.entries(paths)) {
      const method = Object.keys(operations)[0]?.toUpperCase() ?? ''
      const response = await caller.call(method, path.replace(/\{\w+\}/g, '1'))
      bodies.push(response.text)
      if (path === '/health/live') expect(response.status).toBe(200)
      else if (path === '/health') {
        const body = { database: { error: 'not_configured' } }
        expect(response).toMatchObject({ status: 503, body })
      } else {
        expectUnavailable(response, 'ServiceUnavailableError')
        expect(response.body).toMatchObject({ message: 'The service is not configured' })
      }
    }
    const message = { type: 'owed', id: crypto.randomUUID() } as const
    expect(await deliver([message], env)).toEqual({ acknowledged: 0, retried: ['m0'] })
    await worker.scheduled(createScheduledController(), env, createExecutionContext())

    expect(reports(output)).toMatchObject([{ problems: expect.stringContaining(name) }])
    const written = [...output.texts(), ...bodies].join('\n')
    if (typeof value === 'string' && value.length > 4) expect(written).not.toContain(value)
    expect(written).not.toMatch(/Kq7s|canary/)
  },
)

test('15: several missing variables are reported in one line of the log', async () => {
  const output = listen()
  const env = configured({ SECRET_KEY: undefined, DATABASE_URL: undefined })
  expectUnavailable(await visitor({ env }).get('/'), 'ServiceUnavailableError')
  expect(reports(output)).toMatchObject([
    {
      level: 'error',
      problems: expect.stringMatching(/DATABASE_URL: is missing.*SECRET_KEY: is missing/),
    },
  ])
})

/** What `npm run dev` sets, and http where https is at hand. */
const DEVELOPMENT = {
  DATABASE_URL: 'postgresql://app:Kq7s@canary.localhost/accounts',
  NEON_HTTP_URL: 'http://canary.localhost:54330',
  UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:54331',
  RESEND_BASE_URL: 'https://192.168.1.7',
  JWT_ISSUER: 'http://accounts.canary.example',
  PUBLIC_URL: 'http://127.0.0.1:8787',
  FRONTEND_URL: 'http://app.canary.example',
  CORS_ORIGINS: 'https://app.canary.example,http://localhost:5173',
  BREACHED_PASSWORDS_URL: 'http://api.canary.example',
  EMAIL_FROM: 'Canary <canary@example.com>',
}

test.each(['staging', 'production'])(
  '15: in %s, every development address is reported, and nothing but /health/live works',
  async (name) => {
    const output = listen()
    const caller = visitor({ env: configured({ ENVIRONMENT: name, ...DEVELOPMENT }) })
    expectUnavailable(await caller.get('/'), 'ServiceUnavailableError')
    expectUnavailable(await caller.post('/api/users/login', {}), 'ServiceUnavailableError')
    expect((await caller.get('/health/live')).status).toBe(200)
    const [report] = reports(output)
    const reported = String(report?.['problems'])
      .split('; ')
      .map((problem) => problem.split(':')[0])
    expect(reported.toSorted()).toEqual(Object.keys(DEVELOPMENT).toSorted())
    expect(output.texts().join()).not.toMatch(/Kq7s|canary|127\.0|192\.168/)
  },
)

test('15: missing bindings and variables are reported together', async () => {
  const output = listen()
  const env = configured({
    MAIL_QUEUE: undefined,
    FALLBACK_LIMITER: 'canary',
    SECRET_KEY: undefined,
  })
  expectUnavailable(await visitor({ env }).get('/'), 'ServiceUnavailableError')
  expect(reports(output)).toMatchObject([
    { problems: expect.stringMatching(/MAIL_QUEUE: .*FALLBACK_LIMITER: .*SECRET_KEY: is missing/) },
  ])
})
