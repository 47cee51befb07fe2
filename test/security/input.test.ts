import { beforeAll, describe, expect, test } from 'vitest'
import { freshName, newAdmin, newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { faulty } from './faulty-world.ts'

let user: Awaited<ReturnType<typeof newUser>>
let admin: Awaited<ReturnType<typeof newAdmin>>
beforeAll(async () => {
  user = await newUser()
  admin = await newAdmin({ superadmin: true })
})

const { paths } = await openApi()

/** Every route with a body: its method and path, and who may call it. */
const routes = Object.entries(paths).flatMap(([path, operations]) =>
  Object.entries(operations)
    .filter(([, operation]) => 'requestBody' in operation)
    .map(([method]) => ({
      method: method.toUpperCase(),
      path,
      name: `${method.toUpperCase()} ${path}`,
    })),
)

const KIB = 1024

const tokenFor = (path: string) =>
  /\/admins|test-email/.test(path) ? admin.access_token : user.access_token

/** Sends these bytes to a route, as somebody who may call it. */
function sendTo(
  { method, path }: { method: string; path: string },
  raw: BodyInit,
  headers: Record<string, string> = { 'Content-Type': 'application/json' },
  env = environment(),
) {
  const options = { raw, headers, token: tokenFor(path) }
  return visitor({ env }).call(method, path.replace('{id}', `${user.id}`), undefined, options)
}

/** A body that comes in pieces, and so has no length. */
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

const padded = (bytes: number, filler = 'x') => {
  const shell = JSON.stringify({ email: '' }).length
  return JSON.stringify({
    email: filler.repeat(Math.ceil((bytes - shell) / new TextEncoder().encode(filler).length)),
  })
}

describe.each(routes)('$name', (route) => {
  test(`25 (API4:2023): ${route.name} answers 413 to more than 16 KiB, declared, in pieces or lied about, before any trip`, async () => {
    const [upstash, neon] = [await faulty('upstash'), await faulty('neon')]
    const env = environment({ UPSTASH_REDIS_REST_URL: upstash.url, NEON_HTTP_URL: neon.url })
    const json = { 'Content-Type': 'application/json' }
    const large = padded(16 * KIB + 1)
    const answers = [
      await sendTo(route, large, json, env),
      await sendTo(route, large, { ...json, 'Content-Length': `${large.length}` }, env),
      await sendTo(route, large, { ...json, 'Content-Length': '12' }, env),
      await sendTo(route, padded(16 * KIB + 3, '€'), { ...json, 'Content-Length': '12' }, env),
      await sendTo(route, chunked(large), json, env),
      await sendTo(route, chunked(padded(64 * KIB), 64), json, env),
    ]
    for (const answer of answers) expectError(answer, 413, 'PayloadTooLargeError')
    expect(await upstash.log()).toEqual([])
    expect(await neon.log()).toEqual([])
  })

  test(`25: ${route.name} answers 415 to what is not JSON, 422 to what is broken, never 500`, async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'text/json',
      '',
    ]) {
      const answer = await sendTo(route, '{}', { 'Content-Type': type })
      expectError(answer, 415, 'UnsupportedMediaTypeError')
    }
    for (const [body, message] of BROKEN) {
      const answer = await sendTo(route, body)
      expectError(answer, 422, 'ValidationError')
      if (message === undefined) continue
      expect(answer.body.details.errors, String(body).slice(0, 40)).toEqual([
        { field: 'body', message, type: 'json_invalid' },
      ])
    }
  })
})

const INVALID = 'The body is not valid JSON'
const TWICE = 'The body contains a duplicate key'

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

test('25: a key that only looks doubled is none, and 16 KiB are welcome', async () => {
  const username = freshName()
  const fields = { username, email: `${username}@example.com`, password: PASSWORD }
  const look = { x: '"email":', y: { email: 'z', 'a"b\\': ':' }, z: ['"username"', ':', '\\"'] }
  const text = JSON.stringify({ ...fields, ...look })
  const filled = text + ' '.repeat(16 * KIB - text.length)
  const answer = await sendTo({ method: 'POST', path: '/api/users/register' }, chunked(filled))
  expect(answer.status).toBe(201)
})

/** Nothing that a text field takes. */
const NO_TEXT: unknown[] = [
  ...[null, true, 0, 1e308, -1, [], ['ada'], {}, { $ne: '' }, { toString: 'x' }, [[]]],
  ...['a\0b@example.com', '\0'.repeat(12), '\ud800bc@example.com', 'abc\udfff@example.com'],
]

const FIELDS: [path: string, body: Record<string, unknown>, fields: string[]][] = [
  [
    'POST /api/users/register',
    { username: 'somebody', email: 'a@example.com', password: PASSWORD, full_name: 'A' },
    ['username', 'email', 'password'],
  ],
  ['POST /api/users/login', { username: 'somebody', password: PASSWORD }, ['username', 'password']],
  ['POST /api/admins/login', { email: 'a@example.com', password: PASSWORD }, ['email', 'password']],
  ['PUT /api/users/me', { username: 'x' }, ['username', 'email']],
  [
    'POST /api/users/change-password',
    { current_password: PASSWORD, new_password: 'another long password' },
    ['current_password', 'new_password'],
  ],
  ['DELETE /api/users/me', { password: PASSWORD }, ['password']],
  ['POST /api/password/forgot-password', { email: 'a@example.com' }, ['email']],
  ['POST /api/password/reset-password', { token: 'x', new_password: PASSWORD }, ['new_password']],
  ['POST /api/password/test-email', { to_email: 'a@example.com' }, ['to_email']],
  [
    'POST /api/admins/register',
    { username: 'x', email: 'y', password: 'z' },
    ['username', 'email', 'password'],
  ],
]

test.each(FIELDS)(
  '25: %s answers 422 to what is no text, NUL and lone surrogates',
  async (name, body, fields) => {
    const [method = '', path = ''] = name.split(' ')
    for (const field of fields) {
      for (const value of NO_TEXT) {
        const answer = await sendTo({ method, path }, JSON.stringify({ ...body, [field]: value }))
        expect(answer.status, `${field}: ${JSON.stringify(value)}`).toBe(422)
        const named = answer.body.details.errors.map((error: { field: string }) => error.field)
        expect(named, `${field}: ${JSON.stringify(value)}`).toContain(field)
      }
    }
  },
)

test('25: NUL, lone surrogates and other kinds in a token are 401, 400 or 422, never 500', async () => {
  for (const value of [...NO_TEXT, '\ud800.x', 'a.\0', '.', '..', 'é.é']) {
    const refresh = await visitor().post('/api/users/refresh', { refresh_token: value })
    expect([401, 422]).toContain(refresh.status)
    const body = { token: value, new_password: 'another long password' }
    expect([400, 422]).toContain(
      (await visitor().post('/api/password/reset-password', body)).status,
    )
  }
})
