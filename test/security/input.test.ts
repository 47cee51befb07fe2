import { describe, expect, test } from 'vitest'
import { newAdmin, newcomer, newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { sql } from '../setup/database.ts'
import { atOnce } from './attack.ts'
import { checkReset, NEW_PASSWORD, refresh, resetPassword } from './calls.ts'
import { faultyWorld } from './faulty-world.ts'

const user = await newUser()
const admin = await newAdmin({ superadmin: true })
const byAdmin = visitor({ token: admin.access_token })
const { paths } = await openApi()
const routes = Object.entries(paths).flatMap(([path, operations]) =>
  Object.entries(operations)
    .filter(([, operation]) => 'requestBody' in operation)
    .map(([method]) => `${method.toUpperCase()} ${path}`),
)

const KIB = 1024
const JSON_TYPE = { 'Content-Type': 'application/json' }

/** Sends these bytes to a route, as an account that may call it. */
function sendTo(
  route: string,
  raw: BodyInit,
  headers: Record<string, string> = JSON_TYPE,
  env = environment(),
) {
  const [method = '', path = ''] = route.split(' ')
  const { access_token: token } = /\/admins|test-email/.test(path) ? admin : user
  const client = visitor({ env, token })
  return client.call(method, path.replace('{id}', `${user.id}`), undefined, { raw, headers })
}

/** A body that is sent in pieces, without Content-Length. */
function chunked(text: string, pieces = 4) {
  const bytes = new TextEncoder().encode(text)
  const size = Math.ceil(bytes.length / pieces)
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size))
      controller.close()
    },
  })
}

function padded(bytes: number, filler = 'x') {
  const shell = JSON.stringify({ email: '' }).length
  const each = new TextEncoder().encode(filler).length
  return JSON.stringify({ email: filler.repeat(Math.ceil((bytes - shell) / each)) })
}

const INVALID = 'The body is not valid JSON'
const TWICE = 'The body contains a duplicate key'

/** With the message of the only error, unless the errors depend on the route. */
const BROKEN: [body: BodyInit, message?: string][] = [
  ['', INVALID],
  ['{', INVALID],
  ['{"email": "a@example.com",}', INVALID],
  ["{'email': 'a@example.com'}", INVALID],
  ['{"email": NaN}', INVALID],
  ['{"email": 01}', INVALID],
  ['{"email": "a"} {"email": "b"}', INVALID],
  ['\u0000', INVALID],
  ['{"email": "a\u0000"}', INVALID],
  ['{"email": "a\nb"}', INVALID],
  [new Uint8Array([0xff, 0xfe, 0x00, 0x7b]), INVALID],
  ['['.repeat(10_000), INVALID],
  ['{"a":'.repeat(3_000), INVALID],
  [`${'['.repeat(8_000)}${']'.repeat(8_000)}`],
  [`[${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}]`],
  ['{"email": "a@example.com", "email": "b@example.com"}', TWICE],
  ['{"email": "a@example.com", "\\u0065mail": "b@example.com"}', TWICE],
  ['{"x": {"y": [{"z": 1, "z": 2}]}}', TWICE],
  ['{"__proto__": 1, "__proto__": 2}', TWICE],
  ['{"": 1, "": 2}', TWICE],
  ['null'],
  ['true'],
  ['1e400'],
  ['"text"'],
  ['[]'],
  ['[{"email": "a@example.com"}]'],
]

const TYPES = [
  ...['text/plain', 'text/json', 'application/jsonp', 'application/x-www-form-urlencoded', ''],
]

const { lanes, env } = await faultyWorld()

describe.each(routes)('%s', (route) => {
  test(`25 (API4:2023): ${route} is 413 for more than 16 KiB, whether declared, chunked or with a false length, before any round trip`, async () => {
    await Promise.all([lanes.upstash.clear(), lanes.neon.clear()])
    const large = padded(16 * KIB + 1)
    const withLength = (length: number) => ({ ...JSON_TYPE, 'Content-Length': `${length}` })
    const responses = [
      await sendTo(route, large, JSON_TYPE, env()),
      await sendTo(route, large, withLength(large.length), env()),
      await sendTo(route, large, withLength(12), env()),
      await sendTo(route, padded(16 * KIB + 3, '€'), withLength(12), env()),
      await sendTo(route, chunked(large), JSON_TYPE, env()),
      await sendTo(route, chunked(padded(64 * KIB), 64), JSON_TYPE, env()),
    ]
    for (const response of responses) expectError(response, 413, 'PayloadTooLargeError')
    expect(await lanes.upstash.log()).toEqual([])
    expect(await lanes.neon.log()).toEqual([])
  })

  test(`25: ${route} is 415 for other media types, 422 for invalid JSON, never 500`, async () => {
    for (const type of TYPES) {
      const response = await sendTo(route, '{}', { 'Content-Type': type })
      expectError(response, 415, 'UnsupportedMediaTypeError')
    }
    for (const [body, message] of BROKEN) {
      const response = await sendTo(route, body)
      expectError(response, 422, 'ValidationError')
      if (message === undefined) continue
      expect(response.body.details.errors, String(body).slice(0, 40)).toEqual([
        { field: 'body', message, type: 'json_invalid' },
      ])
    }
  })
})

test('25: a body of 16 KiB is valid, and so are keys that only look duplicated', async () => {
  const look = { x: '"email":', y: { email: 'z', 'a"b\\': ':' }, z: ['"username"', ':', '\\"'] }
  const text = JSON.stringify({ ...newcomer(), ...look })
  const filled = text + ' '.repeat(16 * KIB - text.length)
  expect((await sendTo('POST /api/users/register', chunked(filled))).status).toBe(201)
})

const NOT_TEXT: unknown[] = [
  ...[null, true, 0, 1e308, -1, [], ['ada'], {}, { $ne: '' }, { toString: 'x' }, [[]]],
  // With nothing else that a username or an email must not have.
  ...['a\0b@example.com', '\ud800bc@example.com', 'abc\udfff@example.com'],
  ...['ada\0lovelace', '\0'.repeat(12), '\ud800adalovelace', 'adalovelace\udfff'],
]

const ACCOUNT = { username: 'somebody', email: 'a@example.com', password: PASSWORD }

test.each<[route: string, body: Record<string, unknown>, fields?: string[]]>([
  ['POST /api/users/register', ACCOUNT],
  ['POST /api/admins/register', ACCOUNT],
  ['POST /api/users/login', { username: 'somebody', password: PASSWORD }],
  ['POST /api/admins/login', { email: 'a@example.com', password: PASSWORD }],
  ['PUT /api/users/me', { username: 'somebody', email: 'a@example.com' }],
  ['POST /api/users/change-password', { current_password: PASSWORD, new_password: NEW_PASSWORD }],
  ['DELETE /api/users/me', { password: PASSWORD }],
  ['POST /api/password/forgot-password', { email: 'a@example.com' }],
  ['POST /api/admins/forgot-password', { email: 'a@example.com' }],
  ['POST /api/password/reset-password', { token: 'x', new_password: PASSWORD }, ['new_password']],
  ['POST /api/admins/reset-password', { token: 'x', new_password: PASSWORD }, ['new_password']],
  ['POST /api/password/test-email', { to_email: 'a@example.com' }],
])(
  '25: %s is 422 for values that are not text, for NUL and for lone surrogates',
  async (route, body, fields = Object.keys(body)) => {
    for (const field of fields) {
      for (const value of NOT_TEXT) {
        const response = await sendTo(route, JSON.stringify({ ...body, [field]: value }))
        expect(response.status, `${field}: ${JSON.stringify(value)}`).toBe(422)
        const named = response.body.details.errors.map((error: { field: string }) => error.field)
        expect(named, `${field}: ${JSON.stringify(value)}`).toContain(field)
      }
    }
  },
)

test('25: a token that is not text, or has NUL or lone surrogates, is 400, 401 or 422, never 500', async () => {
  for (const value of [...NOT_TEXT, '\ud800.x', 'a.\0', '.', '..', 'é.é']) {
    expect([401, 422]).toContain((await refresh(value)).status)
    expect([400, 422]).toContain((await resetPassword(value)).status)
    expect([400, 422]).toContain((await checkReset(value)).status)
  }
})

const HOSTILE = [
  ...['', "' or 1=1 --", '1; drop table users', '$1', '%', '_', '\\', '[]'],
  ...['-1', '0', '1.5', '1e400', 'NaN', '0x10', '99999999999999999999'],
  ...['%00', '%ED%A0%80', '%FF'],
  // Forged cursors.
  ...['eyJiZWZvcmUiOi0xfQ', 'eyJzb3J0IjoiLWNyZWF0ZWRfYXQiLCJhZnRlciI6IicifQ', 'bnVsbA'],
]

const PAGE = ['page_size', 'cursor']

test.each([
  ['/api/admins/users', ['page', 'is_active', 'search', 'sort', 'deleted', ...PAGE]],
  [
    '/api/admins/audit',
    [
      'action',
      'outcome',
      'actor_kind',
      'actor_id',
      'target_kind',
      'target_id',
      'since',
      'until',
      ...PAGE,
    ],
  ],
])(
  '26 (CWE-89): GET %s is 200 or 422 for hostile values of each parameter, and ignores unknown parameters',
  async (path, parameters) => {
    const ask = (query: string) => visitor({ token: admin.access_token }).get(`${path}?${query}`)
    for (const parameter of parameters) {
      const responses = await atOnce(HOSTILE.length, (i) => ask(`${parameter}=${HOSTILE[i]}`))
      for (const [i, { status }] of responses.entries()) {
        expect([200, 422], `${parameter}=${HOSTILE[i]}`).toContain(status)
      }
      if (parameter === 'search') continue
      expect((await ask(`${parameter}='`)).status, parameter).toBe(422)
      expect((await ask(`${parameter}=x&${parameter}=y`)).status, parameter).toBe(422)
    }
    const unknown = await ask('order_by=hashed_password&limit=1000000&role=superadmin')
    expect(unknown.status).toBe(200)
    expect(await sql('select count(*) > 0 as "exists" from users')).toEqual([{ exists: true }])
  },
)

test.each(['%', '_____', `${user.username.slice(0, 4)}%`, '\\'])(
  '26: a search for %j finds no wildcard match',
  async (text) => {
    const { body } = await byAdmin.get(`/api/admins/users?search=${encodeURIComponent(text)}`)
    expect(body.total).toBe(0)
  },
)

test.each(['0', '-1', '1.5', 'abc', '2147483648', '99999999999999999999', "1'", '%00', '%2e'])(
  '26: /api/admins/users/%s is 404, 405 or 422, never 500',
  async (id) => {
    for (const path of [`/api/admins/users/${id}`, `/api/admins/users/${id}/sessions`]) {
      expect([404, 405, 422]).toContain((await byAdmin.delete(path)).status)
    }
  },
)

// Without METRICS_TOKEN there is no /metrics, by any method: test/routes/system/metrics.test.ts.
test.each(Object.keys(paths).filter((path) => path !== '/metrics'))(
  '27 (RFC 9110, 15.5.6): %s is 405 with Allow for other methods; OPTIONS is 204 with the same Allow',
  async (template) => {
    const path = template.replace('{id}', '1')
    const known = Object.keys(paths[template] ?? {}).map((method) => method.toUpperCase())
    const allowed = [...known, ...(known.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].toSorted()
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      if (known.includes(method)) continue
      const response = await visitor().call(method, path)
      expectError(response, 405, 'MethodNotAllowedError')
      expect(response.headers.get('Allow')?.split(', ').toSorted(), method).toEqual(allowed)
    }
    const options = await visitor().call('OPTIONS', path)
    expect([options.status, options.text]).toEqual([204, ''])
    expect(options.headers.get('Allow')?.split(', ').toSorted()).toEqual(allowed)
  },
)

test.each(['/', '/health', '/openapi.json', '/api/users/me', '/nowhere'])(
  '27 (RFC 9110, 9.3.2): HEAD %s has the status and Content-Type of GET, without a body',
  async (path) => {
    const client = visitor({ token: user.access_token })
    const [head, get] = [await client.call('HEAD', path), await client.get(path)]
    expect([head.status, head.text]).toEqual([get.status, ''])
    expect(head.headers.get('Content-Type')).toBe(get.headers.get('Content-Type'))
  },
)
