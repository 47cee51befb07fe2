import { afterEach, expect, test, vi } from 'vitest'
import { newUser } from './setup/accounts.ts'
import { environment, expectError, visitor } from './setup/api.ts'
import { expectInvalid, expectResponse, MOMENT, UUID } from './setup/shapes.ts'

const { call, get } = visitor()

afterEach(() => vi.restoreAllMocks())

test.each([
  '/nothing',
  '/api',
  '/api/users',
  '/api/users/nothing',
  '/api/users/me/',
  '/API/users/me',
  '//api/users/me',
  '/api/users/login/x',
])('GET %s returns 404 with the uniform error body', async (path) => {
  const response = await get(`${path}?token=secret`)
  expectResponse(response, 404, {
    error: 'NotFoundError',
    message: `The requested resource '${path}' was not found`,
    status_code: 404,
    timestamp: MOMENT,
    path,
    request_id: response.headers.get('X-Request-ID'),
  })
  expect(response.headers.get('Content-Type')).toBe('application/json')
  expect((await call('OPTIONS', path)).status).toBe(404)
})

test.each([
  ['PATCH', '/api/users/me', 'GET, HEAD, PUT, DELETE, OPTIONS'],
  ['PUT', '/assets/page.css', 'GET, HEAD, OPTIONS'],
])(
  '%s %s returns 405 with Allow: %s, and OPTIONS 204 with the same',
  async (method, path, allow) => {
    const response = await call(method, path)
    expectError(response, 405, 'MethodNotAllowedError', `Method ${method} is not allowed here`)
    expect(response.headers.get('Allow')).toBe(allow)
    const options = await call('OPTIONS', path)
    expect(options).toMatchObject({ status: 204, text: '' })
    expect(options.headers.get('Content-Type')).toBeNull()
    expect(options.headers.get('Allow')).toBe(allow)
  },
)

test('POST /api/users/login returns 413 for a large body, 415 for a form, 422 for null', async () => {
  const post = (raw: string, type = 'application/json') =>
    call('POST', '/api/users/login', undefined, { raw, headers: { 'Content-Type': type } })
  const large = await post(`"${'a'.repeat(16 * 1024)}"`)
  expectError(large, 413, 'PayloadTooLargeError', 'The request body is larger than 16 KiB')
  const form = await post('a=b', 'application/x-www-form-urlencoded')
  expectError(form, 415, 'UnsupportedMediaTypeError', 'The body must be application/json')
  expectInvalid(await post('null'), 'body')
})

test('an unexpected error returns 500 without details, and is logged by its class alone', async () => {
  const log = vi.spyOn(console, 'log')
  const { access_token: token } = await newUser()
  const limit = () => Promise.reject(new RangeError('canary'))
  const env = environment({
    UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9',
    FALLBACK_QUOTA: { limit },
  })
  const response = await visitor({ env }).get('/api/users/me', { token })
  expectError(response, 500, 'InternalServerError', 'An unexpected error occurred')
  expect(response.body).not.toHaveProperty('details')
  const lines = log.mock.calls.map(([line]) => String(line)).join('\n')
  expect(lines).toMatch(/"unexpected_error".*"reason":"RangeError"/)
  expect(response.text + lines).not.toContain('canary')
})

test('a preflight request returns 204 with the allowed methods and headers, and the security headers', async () => {
  const { status, text, headers } = await call('OPTIONS', '/api/users/me', undefined, {
    headers: { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'PUT' },
  })
  expect([status, text]).toEqual([204, ''])
  expect(Object.fromEntries(headers)).toMatchObject({
    'access-control-allow-origin': 'https://app.example.com',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET,HEAD,POST,PUT,PATCH,DELETE',
    'access-control-allow-headers':
      'Authorization,Content-Type,X-Request-ID,X-Bootstrap-Token,X-Refresh-Token',
    'access-control-max-age': '7200',
    'cache-control': expect.any(String),
    'content-security-policy': expect.stringMatching(/^default-src 'none'/),
    'permissions-policy': expect.stringContaining('camera=()'),
    'referrer-policy': 'strict-origin-when-cross-origin',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'x-permitted-cross-domain-policies': 'none',
    'x-request-id': expect.stringMatching(UUID),
    'x-xss-protection': '0',
  })
})
