/** Security sheet, fault matrix and 15: the configuration missing, weak or malformed. */
import { createScheduledController } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import { environment, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { deliver, expectUnavailable } from './faulty-world.ts'

/** The variable, and a value that looks like a secret and must not be in the log. */
const FAULTS: [keyof Bindings, string, string | undefined][] = [
  ['SECRET_KEY', 'missing', undefined],
  ['SECRET_KEY', 'empty', ''],
  ['SECRET_KEY', 'short', 'Kq7sBv2mZx9LwT4r'],
  ['SECRET_KEY', 'one letter repeated', 'x'.repeat(64)],
  ['SECRET_KEY', 'a placeholder', 'changeme-changeme-changeme-changeme-1234567890'],
  ['JWT_SIGNING_KEYS', 'missing', undefined],
  ['JWT_SIGNING_KEYS', 'not JSON', 'Kq7sBv2mZx9LwT4r'],
  ['JWT_SIGNING_KEYS', 'symmetric', '{"keys":[{"kty":"oct","kid":"canary-kid","k":"Y2FuYXJ5"}]}'],
  ['JWT_SIGNING_KEYS', 'empty', '{"keys":[]}'],
  ['DATABASE_URL', 'missing', undefined],
  ['DATABASE_URL', 'of another kind', 'mysql://root:Kq7sBv2mZx9LwT4r@db.example/accounts'],
  ['UPSTASH_REDIS_REST_URL', 'missing', undefined],
  ['UPSTASH_REDIS_REST_URL', 'no URL', 'rediss-Kq7sBv2mZx9LwT4r'],
  ['UPSTASH_REDIS_REST_TOKEN', 'missing', undefined],
  ['EMAIL_FROM', 'two addresses', 'canary-a@example.com,canary-b@example.com'],
  ['ADMIN_BOOTSTRAP_TOKEN', 'short', 'Kq7sBv2mZx9'],
  ['CORS_ORIGINS', 'a pattern', 'https://*.canary.example'],
  ['BCRYPT_COST', 'cheap', '4'],
  ['ACCESS_TOKEN_EXPIRE_MINUTES', 'no number', 'canary'],
]

describe.each(FAULTS)('%s is %s', (name, _, value) => {
  it('every call but /health/live is 503; the log names the variable, never its value', async () => {
    const lines = vi.spyOn(console, 'log')
    const env = environment({ [name]: value })
    if (value === undefined) Reflect.deleteProperty(env, name)
    const caller = visitor({ env })

    const { paths } = await openApi()
    for (const [path, operations] of Object.entries(paths)) {
      const method = Object.keys(operations)[0]?.toUpperCase() ?? ''
      const answer = await caller.call(method, path.replace(/\{\w+\}/g, '1'))
      if (path === '/health/live') expect(answer.status).toBe(200)
      else if (path !== '/health') expectUnavailable(answer, 'ServiceUnavailableError')
      else {
        expect(answer.status).toBe(503)
        expect(answer.body).toMatchObject({ database: { error: 'not_configured' } })
      }
    }
    expect(await deliver([{ type: 'owed', id: crypto.randomUUID() }], env)).toMatchObject({
      taken: 0,
      again: [{ msgId: 'm0' }],
    })
    await worker.scheduled(createScheduledController(), env)

    const written = lines.mock.calls.map(String)
    const told = written.filter((line) => line.includes('"event":"configuration_invalid"'))
    expect(told).toHaveLength(1)
    expect(told[0]).toContain(name)
    if (value && value.length > 4) expect(written.join('\n')).not.toContain(value)
    expect(written.join('\n')).not.toMatch(/Kq7s|canary/)
  })
})

describe('several variables are missing', () => {
  it('one line of the log names them all', async () => {
    const lines = vi.spyOn(console, 'log')
    const env = environment()
    for (const name of ['SECRET_KEY', 'DATABASE_URL']) Reflect.deleteProperty(env, name)
    expectUnavailable(await visitor({ env }).get('/'), 'ServiceUnavailableError')
    const told = lines.mock.calls
      .map(String)
      .filter((line) => line.includes('"event":"configuration_invalid"'))
    expect(told).toHaveLength(1)
    expect(JSON.parse(told[0] ?? '')).toMatchObject({
      level: 'error',
      problems: expect.stringMatching(/DATABASE_URL: is missing.*SECRET_KEY: is missing/),
    })
  })
})
