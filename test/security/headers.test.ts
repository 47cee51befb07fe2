import { expect, test } from 'vitest'
import { newUser } from '../setup/accounts.ts'
import { type ApiResponse, environment, visitor } from '../setup/api.ts'
import { UUID } from '../setup/shapes.ts'
import { listen } from './captured-log.ts'
import { faulty } from './faulty-world.ts'

const caller = visitor()
const { access_token: token } = await newUser()
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

/** A 500: the limiter throws an error that the Worker does not expect. */
async function broken(): Promise<ApiResponse> {
  const upstash = await faulty('upstash')
  await upstash.fault({ kind: 'disconnect' })
  const FALLBACK_QUOTA: RateLimit = {
    async limit() {
      throw new TypeError('postgres://secret@inside')
    },
  }
  return visitor({ env: upstash.env({ FALLBACK_QUOTA }) }).get('/api/users/me', { token })
}

async function limited(): Promise<ApiResponse> {
  const caller = visitor({ env: environment({ RATE_LIMIT_PER_HOUR: 1 }), token })
  await caller.get('/api/users/me')
  return caller.get('/api/users/me')
}

async function unchanged(): Promise<ApiResponse> {
  const { headers } = await caller.get('/assets/page.css')
  const ifNoneMatch = { 'If-None-Match': headers.get('ETag') ?? '' }
  return caller.get('/assets/page.css', { headers: ifNoneMatch })
}

const FORM = { raw: 'a=b', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }
const RESET = { token: 'x', new_password: 'long enough' }
const misconfigured = visitor({ env: environment({ SECRET_KEY: 'x' }), token })

const RESPONSES: [status: number, what: string, ask: () => Promise<ApiResponse>][] = [
  [200, 'GET /', () => caller.get('/')],
  [200, 'GET /health', () => caller.get('/health')],
  [200, 'GET me', () => caller.get('/api/users/me', { token })],
  [200, 'HEAD me', () => caller.call('HEAD', '/api/users/me', undefined, { token })],
  [204, 'OPTIONS', () => caller.call('OPTIONS', '/api/users/me')],
  [204, 'logout', () => caller.post('/api/users/logout', { refresh_token: 'x' })],
  [304, 'an unchanged asset', unchanged],
  [400, 'a forged reset token', () => caller.post('/api/password/reset-password', RESET)],
  [401, 'no token', () => caller.get('/api/users/me')],
  [403, 'a user at the admins’ API', () => caller.get('/api/admins/me', { token })],
  [404, 'an unknown path', () => caller.get('/nowhere')],
  [404, 'an unknown asset', () => caller.get('/assets/none.js')],
  [405, 'an unknown method', () => caller.delete('/api/users/login')],
  [413, 'a large body', () => caller.post('/api/users/login', { x: 'x'.repeat(20_000) })],
  [415, 'a form', () => caller.call('POST', '/api/users/login', undefined, FORM)],
  [422, 'an invalid body', () => caller.post('/api/users/login', {})],
  [429, 'a spent quota', limited],
  [500, 'an unexpected error', broken],
  [503, 'an invalid configuration', () => misconfigured.get('/api/users/me')],
]

test.each(RESPONSES)(
  '28 (ASVS 3.4): %i, %s: the response has all security headers',
  async (status, _, ask) => {
    const response = await ask()
    expect(response.status).toBe(status)
    for (const [name, value] of Object.entries(HEADERS)) {
      expect(response.headers.get(name), name).toBe(value)
    }
    expect(response.headers.get('Content-Security-Policy')).toBe(API_POLICY)
    expect(response.headers.get('X-Request-ID')).toMatch(UUID)
    expect(response.headers.get('Cache-Control')).toMatch(/^(?:no-store|public, max-age=\d+)$/)
    // Without a valid configuration no origin is allowed, so the response does not vary.
    if (status !== 503) expect(response.headers.get('Vary')).toMatch(/\bOrigin\b/)
    expect(response.headers.get('Server') ?? response.headers.get('X-Powered-By')).toBeNull()
  },
)

test.each(['/api/users/me', '/api/users/me/sessions', '/api/nowhere', '/health'])(
  '28 (ASVS 14.3.2): %s is never stored',
  async (path) => {
    const { headers } = await caller.get(path, { token })
    expect(headers.get('Cache-Control')).toBe('no-store')
  },
)

test.each(['/docs', '/redoc', '/reset-password', '/forgot-password'])(
  '28: the page %s has its own policy, without inline scripts',
  async (path) => {
    const { headers, text } = await caller.get(path)
    expect(headers.get('Content-Security-Policy')?.split('; ')).toEqual(
      expect.arrayContaining([
        ...["default-src 'none'", "script-src 'self'", "connect-src 'self'"],
        ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
      ]),
    )
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|javascript:/i)
    for (const [name, value] of Object.entries(HEADERS)) {
      const own = path.endsWith('-password') && name === 'Referrer-Policy' ? 'no-referrer' : value
      expect(headers.get(name)).toBe(own)
    }
  },
)

test('28: neither the response to an unexpected error nor the log contains its message', async () => {
  const output = listen()
  const { text, body } = await broken()
  expect(body).toMatchObject({
    error: 'InternalServerError',
    message: 'An unexpected error occurred',
  })
  expect(text).not.toContain('postgres')
  expect(output.lines()).toContainEqual(expect.objectContaining({ event: 'unexpected_error' }))
  expect(output.texts().join('\n')).not.toContain('postgres://secret')
})

test('28: X-Request-ID of the request is kept only if it is a UUID', async () => {
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

const ALLOWED = ['https://app.example.com', 'http://localhost:5173']
const FOREIGN = [
  ...['null', '*', 'https://evil.example.net', 'https://example.com', 'http://app.example.com'],
  ...['https://app.example.com.evil.net', 'https://app.example.com@evil.net'],
  ...['https://evilapp.example.com', 'https://evil.app.example.com'],
  ...['https://app.example.com:8443', 'https://app.example.com/', 'HTTPS://APP.EXAMPLE.COM'],
  ...['https://app.example.com https://evil.net', 'http://localhost:5174', 'http://localhost'],
]

const corsOf = ({ headers }: ApiResponse) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'))

const preflight = (Origin: string) =>
  caller.call('OPTIONS', '/api/users/me', undefined, {
    headers: {
      Origin,
      'Access-Control-Request-Method': 'PUT',
      'Access-Control-Request-Headers': 'authorization, content-type',
    },
  })

test.each<[string, (origin: string) => Promise<ApiResponse>]>([
  ['a 200', (Origin) => caller.get('/api/users/me', { token, headers: { Origin } })],
  ['a 404', (Origin) => caller.get('/nowhere', { headers: { Origin } })],
  ['a 401', (Origin) => caller.get('/api/users/me', { headers: { Origin } })],
  ['a page', (Origin) => caller.get('/docs', { headers: { Origin } })],
  ['a preflight', preflight],
])(
  '29 (CWE-942): %s allows the configured origins by name; null, look-alikes and http variants get no CORS header',
  async (_, ask) => {
    for (const origin of [...ALLOWED, ...FOREIGN]) {
      const response = await ask(origin)
      expect(response.headers.get('Vary'), origin).toMatch(/\bOrigin\b/)
      if (ALLOWED.includes(origin)) {
        expect(response.headers.get('Access-Control-Allow-Origin')).toBe(origin)
        expect(response.headers.get('Access-Control-Allow-Credentials')).toBe('true')
      } else expect(corsOf(response), origin).toEqual([])
    }
  },
)

test('29: without a configured origin no origin is allowed', async () => {
  const client = visitor({ env: environment({ CORS_ORIGINS: '' }) })
  for (const Origin of [...ALLOWED, 'null', '']) {
    expect(corsOf(await client.get('/', { headers: { Origin } }))).toEqual([])
  }
})

test('29: CORS lists the methods and the readable headers, and lets browsers cache this for two hours', async () => {
  const [Origin = ''] = ALLOWED
  const { status, headers } = await preflight(Origin)
  expect(status).toBe(204)
  expect(headers.get('Access-Control-Allow-Methods')).toBe('GET,HEAD,POST,PUT,PATCH,DELETE')
  expect(headers.get('Access-Control-Max-Age')).toBe('7200')
  const error = await caller.get('/api/users/me', { headers: { Origin } })
  expect(error.headers.get('Access-Control-Expose-Headers')).toBe(
    'X-Request-ID,Retry-After,RateLimit,RateLimit-Policy,API-Version,Deprecation,Sunset,Link',
  )
})
