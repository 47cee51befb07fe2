import { afterEach, expect, test, vi } from 'vitest'
import { environment, expectError, visitor } from '../setup/api.ts'

afterEach(() => vi.restoreAllMocks())

const KEY = `{"kty":"OKP","crv":"Ed25519","kid":"a","x":"${'A'.repeat(43)}","d":"${'A'.repeat(43)}"}`

test.each([
  ['SECRET_KEY', ''],
  ['SECRET_KEY', 'too short a secret of ours'],
  ['SECRET_KEY', 'a'.repeat(64)],
  ['SECRET_KEY', 'abcdefgh'.repeat(8)],
  ['SECRET_KEY', 'changeme-Zk3v9Qe1Lx7Rt5Yp0Wm2Nb8Hc4Jd6Fs'],
  ['SECRET_KEY', 'your-secret-key-here-keep-it-very-secret-1234'],
  ['JWT_SIGNING_KEYS', ''],
  ['JWT_SIGNING_KEYS', 'Zk3v9Qe1Lx7Rt5Yp0Wm2Nb8Hc4Jd6Fs'],
  ['JWT_SIGNING_KEYS', '{"keys":[]}'],
  ['JWT_SIGNING_KEYS', '{"keys":[{"kty":"oct","k":"Zk3v9Qe1Lx7Rt5Yp0Wm2Nb8Hc4Jd6Fs","kid":"a"}]}'],
  ['JWT_SIGNING_KEYS', `{"keys":[${KEY},${KEY}]}`],
  ['ADMIN_BOOTSTRAP_TOKEN', 'Zk3v9Qe1Lx7'],
  ['ADMIN_BOOTSTRAP_TOKEN', 'changeme-changeme-changeme'],
] as const)(
  '15: %s of %j starts nothing: 503 on all but /health/live, the log names it, never its value',
  async (name, value) => {
    const lines = vi.spyOn(console, 'log')
    const caller = visitor({ env: environment({ [name]: value }) })
    const paths = ['/', '/docs', '/openapi.json', '/.well-known/jwks.json', '/api/users/me']
    for (const path of [...paths, '/health']) {
      const { status, text } = await caller.get(path, { token: 'a.b.c' })
      expect(status, path).toBe(503)
      if (value) expect(text).not.toContain(value)
    }
    const credentials = { username: 'ada', password: 'a long password' }
    const login = await caller.post('/api/users/login', credentials)
    expectError(login, 503, 'ServiceUnavailableError', 'The service is not configured')
    expect((await caller.get('/health/live')).status).toBe(200)

    const logged = lines.mock.calls.map(([line]) => String(line))
    const told = logged.filter((line) => line.includes('configuration_invalid'))
    expect(told).toHaveLength(1)
    expect(told[0]).toContain(name)
    if (value) expect(logged.join('\n')).not.toContain(value)
  },
)
