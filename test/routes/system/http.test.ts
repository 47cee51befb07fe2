import { describe, expect, test, vi } from 'vitest'
import { newUser } from '../../setup/accounts.ts'
import { type Answer, environment, expectError, visitor } from '../../setup/api.ts'
import { MOMENT, UUID } from '../../setup/shapes.ts'

const { get, post, call } = visitor()

const API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

function expectSecurityHeaders({ headers }: Answer) {
  expect(headers.get('X-Request-ID')).toMatch(UUID)
  expect(headers.get('Strict-Transport-Security')).toBe('max-age=31536000; includeSubDomains')
  expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
  expect(headers.get('X-Frame-Options')).toBe('DENY')
  expect(headers.get('X-XSS-Protection')).toBe('0')
  expect(headers.get('Referrer-Policy')).toMatch(/^(strict-origin-when-cross-origin|no-referrer)$/)
  expect(headers.get('Permissions-Policy')).toContain('camera=()')
  expect(headers.get('X-Permitted-Cross-Domain-Policies')).toBe('none')
  expect(headers.get('Content-Security-Policy')).toMatch(/^default-src 'none'/)
  expect(headers.get('Cache-Control')).not.toBeNull()
  expect(headers.get('X-Powered-By')).toBeNull()
}

test.each([
  ['GET', '/', 200],
  ['HEAD', '/', 200],
  ['OPTIONS', '/', 204],
  ['GET', '/docs', 200],
  ['GET', '/assets/page.css', 200],
  ['GET', '/health/live', 200],
  ['GET', '/.well-known/jwks.json', 200],
  ['GET', '/nothing', 404],
  ['DELETE', '/health', 405],
  ['GET', '/api/users/me', 401],
  ['POST', '/api/users/login', 415],
])('%s %s (%i) carries every security header', async (method, path, status) => {
  const answer = await call(method, path)
  expect(answer.status).toBe(status)
  expectSecurityHeaders(answer)
  if (path.startsWith('/api')) {
    expect(answer.headers.get('Content-Security-Policy')).toBe(API_POLICY)
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    expect(answer.headers.get('Content-Type')).toBe('application/json; charset=utf-8')
  }
})

test.each([
  '/nothing',
  '/api',
  '/api/users',
  '/api/users/nothing',
  '/api/users/me/',
  '/API/users/me',
  '//api/users/me',
  '/api/users/login/x',
])('GET %s answers 404 with the uniform body and no more', async (path) => {
  const answer = await get(`${path}?token=secret`)
  expectError(answer, 404, 'NotFoundError', `The requested resource '${path}' was not found`)
  expect(answer.body).toEqual({
    error: 'NotFoundError',
    message: `The requested resource '${path}' was not found`,
    status_code: 404,
    timestamp: MOMENT,
    path,
    request_id: answer.headers.get('X-Request-ID'),
  })
})

test('what nobody expected answers 500 in fixed words, with nothing from inside', async () => {
  const log = vi.spyOn(console, 'log')
  const { access_token: token } = await newUser()
  const limit = () => Promise.reject(new RangeError('canary'))
  const env = environment({
    UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9',
    FALLBACK_LIMITER: { limit },
  })
  const answer = await visitor({ env }).get('/api/users/me', { token })
  expectError(answer, 500, 'InternalServerError', 'An unexpected error occurred')
  expect(answer.body).not.toHaveProperty('details')
  expectSecurityHeaders(answer)
  const lines = log.mock.calls.map(([line]) => String(line))
  expect(lines.some((line) => /"unexpected_error".*"reason":"RangeError"/.test(line))).toBe(true)
  expect([answer.text, ...lines].join()).not.toContain('canary')
})

describe('methods', () => {
  test.each([
    ['GET', '/api/users/login', 'POST, OPTIONS'],
    ['PATCH', '/api/users/me', 'GET, HEAD, PUT, DELETE, OPTIONS'],
    ['POST', '/api/users/me/sessions', 'GET, HEAD, DELETE, OPTIONS'],
    ['POST', '/api/admins/users/1', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
    ['POST', '/health', 'GET, HEAD, OPTIONS'],
    ['PUT', '/assets/page.css', 'GET, HEAD, OPTIONS'],
  ])('%s %s answers 405 with Allow: %s; OPTIONS 204 with the same', async (method, path, allow) => {
    const answer = await call(method, path)
    const message = `Method ${method} is not allowed here`
    expectError(answer, 405, 'MethodNotAllowedError', message)
    expect(answer.headers.get('Allow')).toBe(allow)
    const options = await call('OPTIONS', path)
    expect(options).toMatchObject({ status: 204, text: '' })
    expect(options.headers.get('Content-Type')).toBeNull()
    expect(options.headers.get('Allow')).toBe(allow)
  })

  test('HEAD answers as GET, without a body; OPTIONS of nothing is 404', async () => {
    expect(await call('HEAD', '/')).toMatchObject({ status: 200, text: '' })
    expect(await call('HEAD', '/api/users/me')).toMatchObject({ status: 401, text: '' })
    expect(await call('HEAD', '/nothing')).toMatchObject({ status: 404, text: '' })
    expect((await call('OPTIONS', '/nothing')).status).toBe(404)
  })
})

describe('X-Request-ID', () => {
  test('is kept if it is a UUID, and stands in the body of errors', async () => {
    const id = crypto.randomUUID()
    const answer = await get('/nothing', { headers: { 'X-Request-ID': id } })
    expect(answer.headers.get('X-Request-ID')).toBe(id)
    expect(answer.body.request_id).toBe(id)
  })

  test('is replaced if it is anything else', async () => {
    for (const given of ['1', 'x'.repeat(36), `${crypto.randomUUID()}, x`, '']) {
      const { headers } = await get('/', { headers: { 'X-Request-ID': given } })
      expect(headers.get('X-Request-ID')).toMatch(UUID)
      expect(headers.get('X-Request-ID')).not.toBe(given)
    }
  })
})

describe('CORS', () => {
  const ORIGIN = 'https://app.example.com'
  const EXPOSED = 'X-Request-ID,Retry-After,RateLimit,RateLimit-Policy'

  test('allows the configured origins, credentials and headers, on errors too', async () => {
    const answers = [
      await get('/', { headers: { Origin: ORIGIN } }),
      await get('/nothing', { headers: { Origin: ORIGIN } }),
      await get('/api/users/me', { headers: { Origin: ORIGIN } }),
      await post('/api/users/login', {}, { headers: { Origin: ORIGIN } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 401, 422])
    for (const { headers } of answers) {
      expect(headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
      expect(headers.get('Access-Control-Allow-Credentials')).toBe('true')
      expect(headers.get('Access-Control-Expose-Headers')).toBe(EXPOSED)
      expect(headers.get('Vary')).toContain('Origin')
    }
  })

  const preflight = (origin: string) =>
    call('OPTIONS', '/api/users/me', undefined, {
      headers: { Origin: origin, 'Access-Control-Request-Method': 'PUT' },
    })

  test('answers a preflight with methods and headers', async () => {
    const answer = await preflight(ORIGIN)
    expect(answer).toMatchObject({ status: 204, text: '' })
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET,HEAD,POST,PUT,PATCH,DELETE',
      'access-control-allow-headers': 'Authorization,Content-Type,X-Request-ID,X-Bootstrap-Token',
      'access-control-max-age': '7200',
    })
    expectSecurityHeaders(answer)
  })

  test.each([
    'https://evil.example',
    'null',
    'http://app.example.com',
    'https://app.example.com.evil.example',
    'https://app.example.com:444',
    'https://APP.example.com/',
  ])('gives nothing to %s', async (origin) => {
    for (const { headers } of [
      await get('/', { headers: { Origin: origin } }),
      await preflight(origin),
    ]) {
      expect(headers.get('Access-Control-Allow-Origin')).toBeNull()
      expect(headers.get('Access-Control-Allow-Credentials')).toBeNull()
      expect(headers.get('Vary')).toContain('Origin')
    }
  })
})
