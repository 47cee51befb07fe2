import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { newUser } from '../setup/accounts.ts'
import { type Answer, environment, visitor } from '../setup/api.ts'
import { UUID } from '../setup/shapes.ts'
import { faulty } from './faulty-world.ts'

const caller = visitor()

let token: string
beforeAll(async () => {
  token = (await newUser()).access_token
})
afterEach(() => vi.restoreAllMocks())

const API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

const HEADERS = {
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-XSS-Protection': '0',
  'Referrer-Policy': 'strict-origin-when-cross-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'X-Permitted-Cross-Domain-Policies': 'none',
}

/** The answer to a request that breaks inside: a limiter that throws what nobody expects. */
async function broken(): Promise<Answer> {
  const upstash = await faulty('upstash')
  await upstash.fault({ kind: 'refuse' })
  const FALLBACK_LIMITER: RateLimit = {
    async limit() {
      throw new TypeError('postgres://secret@inside')
    },
  }
  return visitor({ env: upstash.env({ FALLBACK_LIMITER }) }).get('/api/users/me', { token })
}

async function limited(): Promise<Answer> {
  const caller = visitor({ env: environment({ RATE_LIMIT_PER_HOUR: 1 }) })
  await caller.get('/api/users/me', { token })
  return caller.get('/api/users/me', { token })
}

async function unchanged(): Promise<Answer> {
  const { headers } = await caller.get('/assets/page.css')
  return caller.get('/assets/page.css', {
    headers: { 'If-None-Match': headers.get('ETag') ?? '' },
  })
}

const ANSWERS: [status: number, what: string, ask: () => Promise<Answer>][] = [
  [200, 'GET /', () => caller.get('/')],
  [200, 'GET /health', () => caller.get('/health')],
  [200, 'GET me', () => caller.get('/api/users/me', { token })],
  [200, 'HEAD me', () => caller.call('HEAD', '/api/users/me', undefined, { token })],
  [204, 'OPTIONS', () => caller.call('OPTIONS', '/api/users/me')],
  [204, 'a logout', () => caller.post('/api/users/logout', { refresh_token: 'x' })],
  [304, 'an asset that is unchanged', unchanged],
  [
    400,
    'a forged reset',
    () => caller.post('/api/password/reset-password', { token: 'x', new_password: 'long enough' }),
  ],
  [401, 'no token', () => caller.get('/api/users/me')],
  [403, 'a user among admins', () => caller.get('/api/admins/me', { token })],
  [404, 'nowhere', () => caller.get('/nowhere')],
  [404, 'an asset that is none', () => caller.get('/assets/none.js')],
  [405, 'a method', () => caller.delete('/api/users/login')],
  [413, 'a large body', () => caller.post('/api/users/login', { x: 'x'.repeat(20_000) })],
  [
    415,
    'a form',
    () =>
      caller.call('POST', '/api/users/login', undefined, {
        raw: 'a=b',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      }),
  ],
  [422, 'a broken body', () => caller.post('/api/users/login', {})],
  [429, 'a spent quota', limited],
  [500, 'a fault of ours', broken],
  [
    503,
    'a wrong configuration',
    () => visitor({ env: environment({ SECRET_KEY: 'x' }) }).get('/api/users/me', { token }),
  ],
]

test.each(ANSWERS)(
  '28 (ASVS 3.4): %i, %s, carries all security headers',
  async (status, _, ask) => {
    const answer = await ask()
    expect(answer.status).toBe(status)
    for (const [name, value] of Object.entries(HEADERS)) {
      expect(answer.headers.get(name), name).toBe(value)
    }
    expect(answer.headers.get('Content-Security-Policy')).toBe(API_POLICY)
    expect(answer.headers.get('X-Request-ID')).toMatch(UUID)
    expect(answer.headers.get('Cache-Control')).toMatch(/^(?:no-store|public, max-age=\d+)$/)
    // A Worker that isn't configured allows no origin: its answer varies with none.
    if (status !== 503) expect(answer.headers.get('Vary')).toMatch(/\bOrigin\b/)
    expect(answer.headers.get('Server') ?? answer.headers.get('X-Powered-By')).toBeNull()
  },
)

test('28 (ASVS 14.3.2): what the API answers about people is never stored', async () => {
  for (const path of ['/api/users/me', '/api/users/me/sessions', '/api/nowhere', '/health']) {
    const { headers } = await caller.get(path, { token })
    expect(headers.get('Cache-Control')).toBe('no-store')
  }
})

test.each(['/docs', '/redoc', '/reset-password'])(
  '28: the page %s has a policy of its own, without inline scripts',
  async (path) => {
    const { headers, text } = await caller.get(path)
    const policy = Object.fromEntries(
      (headers.get('Content-Security-Policy') ?? '').split('; ').map((directive) => {
        const [name = '', ...values] = directive.split(' ')
        return [name, values.join(' ')]
      }),
    )
    expect(policy).toMatchObject({
      'default-src': "'none'",
      'script-src': "'self'",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    })
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|javascript:/i)
    for (const [name, value] of Object.entries(HEADERS)) {
      const own = path === '/reset-password' && name === 'Referrer-Policy' ? 'no-referrer' : value
      expect(headers.get(name)).toBe(own)
    }
  },
)

test('28: an error tells nothing from inside, and logs no message of it', async () => {
  const lines = vi.spyOn(console, 'log')
  const { text, body } = await broken()
  expect(body).toMatchObject({
    error: 'InternalServerError',
    message: 'An unexpected error occurred',
  })
  expect(text).not.toContain('postgres')
  const logged = lines.mock.calls.map(([line]) => String(line)).join('\n')
  expect(logged).toContain('"event":"unexpected_error"')
  expect(logged).not.toContain('postgres://secret')
})

test('28: X-Request-ID is the client’s only if it is a UUID', async () => {
  const own = crypto.randomUUID()
  const idOf = async (given: string) =>
    (await caller.get('/', { headers: { 'X-Request-ID': given } })).headers.get('X-Request-ID')
  expect(await idOf(own)).toBe(own)
  for (const given of ['1', 'a'.repeat(5_000), `${own} x`, '<script>', `${own},${own}`]) {
    const id = await idOf(given)
    expect(id).toMatch(UUID)
    expect(given).not.toContain(id)
  }
})
