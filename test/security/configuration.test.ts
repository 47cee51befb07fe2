import { createScheduledController } from 'cloudflare:test'
import { expect, test } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import { environment, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { listen } from './captured-log.ts'
import { deliver, expectUnavailable } from './faulty-world.ts'

const { paths } = await openApi()
const KEY = `{"kty":"OKP","crv":"Ed25519","kid":"a","x":"${'A'.repeat(43)}","d":"${'A'.repeat(43)}"}`

const FAULTS: [name: keyof Bindings, fault: string, value: string | undefined][] = [
  ['SECRET_KEY', 'missing', undefined],
  ['SECRET_KEY', 'empty', ''],
  ['SECRET_KEY', 'short', 'Kq7sBv2mZx9LwT4r'],
  ['SECRET_KEY', 'short, with spaces', 'too short a secret of ours'],
  ['SECRET_KEY', 'one letter repeated', 'x'.repeat(64)],
  ['SECRET_KEY', 'eight letters repeated', 'abcdefgh'.repeat(8)],
  ['SECRET_KEY', 'a placeholder', 'changeme-changeme-changeme-changeme-1234567890'],
  ['SECRET_KEY', 'a placeholder and random letters', 'changeme-Kq7s3v9Qe1Lx7Rt5Yp0Wm2Nb8Hc4Jd6Fs'],
  ['SECRET_KEY', 'an example', 'your-secret-key-here-keep-it-very-secret-1234'],
  ['JWT_SIGNING_KEYS', 'missing', undefined],
  ['JWT_SIGNING_KEYS', 'empty', ''],
  ['JWT_SIGNING_KEYS', 'not JSON', 'Kq7sBv2mZx9LwT4r'],
  ['JWT_SIGNING_KEYS', 'symmetric', '{"keys":[{"kty":"oct","kid":"canary-kid","k":"Y2FuYXJ5"}]}'],
  ['JWT_SIGNING_KEYS', 'an empty set', '{"keys":[]}'],
  ['JWT_SIGNING_KEYS', 'the same key twice', `{"keys":[${KEY},${KEY}]}`],
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
  ['AUDIT_RETENTION_DAYS', 'below thirty', '29'],
  ['CORS_ORIGINS', 'a wildcard', '*'],
  ['CORS_ORIGINS', 'a pattern', 'https://*.canary.example'],
  ['BCRYPT_COST', 'too low', '4'],
  ['ACCESS_TOKEN_EXPIRE_MINUTES', 'not a number', 'canary'],
  ['FALLBACK_QUOTA', 'not bound', undefined],
]

function configured(replaced: Record<string, string | undefined>) {
  const entries = Object.entries({ ...environment(), ...replaced })
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Bindings
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
    await worker.scheduled(createScheduledController(), env)

    expect(reports(output)).toMatchObject([{ problems: expect.stringContaining(name) }])
    const written = [...output.texts(), ...bodies].join('\n')
    if (value && value.length > 4) expect(written).not.toContain(value)
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
