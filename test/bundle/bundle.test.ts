import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SIZE_BUDGET_KIB } from '../../scripts/build.ts'
import {
  call,
  mailTo,
  newAccount,
  PASSWORD,
  resetTokenFor,
  type ServedBundle,
  serveBundle,
} from './served-bundle.ts'

let bundle: ServedBundle

beforeAll(async () => {
  bundle = await serveBundle()
})
afterAll(() => bundle.close())

test(`the bundle has at most ${SIZE_BUDGET_KIB} KiB after gzip`, async ({ annotate }) => {
  await annotate(`${bundle.sizeKib.toFixed(1)} KiB after gzip`)
  expect(bundle.sizeKib).toBeLessThanOrEqual(SIZE_BUDGET_KIB)
  expect(bundle.sizeKib).toBeGreaterThan(50) // An empty bundle must not pass.
})

/** Calls the bundle, and returns the body of a response with this status. */
async function post(path: string, body: object, status = 200, token?: string) {
  const options = { method: 'POST', body, ...(token && { token }) }
  const response = await call(bundle.url + path, options)
  expect(response.status, response.text).toBe(status)
  return response.body
}

test('the bundle serves an account from registration to a password reset, and logs no secret', async () => {
  const { username, email } = newAccount()
  const changed = `${PASSWORD}, changed`
  const reset = `${PASSWORD}, reset`
  const logIn = (password: string, status?: number) =>
    post('/api/users/login', { username, password }, status)

  const user = await post('/api/users/register', { username, email, password: PASSWORD }, 201)
  expect(user).toMatchObject({ username, email, is_active: true })
  expect((await mailTo(email, /welcome/i)).text).toContain(username)
  const { refresh_token } = await logIn(PASSWORD)
  const { access_token: token } = await post('/api/users/refresh', { refresh_token })
  expect((await call(`${bundle.url}/api/users/me`, { token })).body.id).toBe(user.id)

  const change = { current_password: PASSWORD, new_password: changed }
  await post('/api/users/change-password', change, 200, token)
  await logIn(PASSWORD, 401)
  await logIn(changed)

  await post('/api/password/forgot-password', { email })
  const proof = { token: await resetTokenFor(email), new_password: reset }
  await post('/api/password/reset-password', proof)
  await post('/api/password/reset-password', proof, 400)
  await logIn(changed, 401)
  await logIn(reset)

  const log = bundle.logs().join('\n')
  expect(log).toContain('"route":"/api/users/login"')
  expect(log).not.toContain(PASSWORD)
  expect(log).not.toContain(email)
  expect(log).not.toMatch(/eyJ[\w-]+\.|reset-password\?token/)
})

const expectSecurityHeaders = (headers: Headers) =>
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-security-policy': expect.stringContaining("default-src 'none'"),
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'x-permitted-cross-domain-policies': 'none',
    'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/),
  })

test.each(['/docs', '/redoc', '/reset-password', '/forgot-password'])(
  'GET %s returns a page',
  async (path) => {
    const { status, headers, text } = await call(bundle.url + path)
    expect(status).toBe(200)
    expect(headers.get('Content-Type')).toContain('text/html')
    expect(headers.get('Content-Security-Policy')).not.toMatch(/script-src[^;]*unsafe/)
    expect(text).toContain('<!doctype html>')
    expectSecurityHeaders(headers)
  },
)

test('GET /openapi.json returns the document with the paths of the API', async () => {
  const { status, headers, body } = await call(`${bundle.url}/openapi.json`)
  expect(status).toBe(200)
  expect(body.openapi).toMatch(/^3\.1/)
  expect(body.paths).toHaveProperty(['/users/login'])
  expectSecurityHeaders(headers)
})

test('GET /assets/* returns every file of dist/assets, and 404 for others', async () => {
  const files = await readdir(join(import.meta.dirname, '../../dist/assets/assets'))
  expect(files).toContain('swagger-ui-bundle.js')
  for (const file of files) {
    const { status, headers } = await call(`${bundle.url}/assets/${file}`)
    expect(status, file).toBe(200)
    // The icon has the color of the brand, which may change.
    const maxAge = file === 'favicon.svg' ? 300 : 3600
    expect(headers.get('Cache-Control'), file).toBe(`public, max-age=${maxAge}`)
    expectSecurityHeaders(headers)
  }
  expect((await call(`${bundle.url}/assets/none.js`)).status).toBe(404)
})
