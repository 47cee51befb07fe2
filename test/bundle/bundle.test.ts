import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SIZE_BUDGET_KIB } from '../../scripts/build.ts'
import {
  call,
  mailTo,
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
  expect(bundle.sizeKib).toBeGreaterThan(50) // An empty or half bundle is no good news.
})

describe('an account, from registration to a new password', () => {
  const username = `bundled-${randomUUID().slice(0, 8)}`
  const email = `${username}@example.com`
  const changed = `${PASSWORD}, changed`
  const reset = `${PASSWORD}, reset`

  const post = (path: string, body: object, token?: string) =>
    call(bundle.url + path, { method: 'POST', body, ...(token && { token }) })
  const logIn = (password: string) => post('/api/users/login', { username, password })

  test('registers, logs in, reads itself and refreshes', async () => {
    const registered = await post('/api/users/register', { username, email, password: PASSWORD })
    expect(registered.status, registered.text).toBe(201)
    expect(registered.body).toMatchObject({ username, email, is_active: true })
    expect((await mailTo(email, /welcome/i)).text).toContain(username)

    const pair = await logIn(PASSWORD)
    expect(pair.status, pair.text).toBe(200)
    const refreshed = await post('/api/users/refresh', { refresh_token: pair.body.refresh_token })
    expect(refreshed.status, refreshed.text).toBe(200)
    const me = await call(`${bundle.url}/api/users/me`, { token: refreshed.body.access_token })
    expect(me.status, me.text).toBe(200)
    expect(me.body.id).toBe(registered.body.id)
  })

  test('changes its password, forgets it, and resets it by the token of the mail', async () => {
    const { body: pair } = await logIn(PASSWORD)
    const change = { current_password: PASSWORD, new_password: changed }
    const done = await post('/api/users/change-password', change, pair.access_token)
    expect(done.status, done.text).toBe(200)
    expect((await logIn(PASSWORD)).status).toBe(401)
    expect((await logIn(changed)).status).toBe(200)

    expect((await post('/api/password/forgot-password', { email })).status).toBe(200)
    const token = await resetTokenFor(email)
    const proven = await post('/api/password/reset-password', { token, new_password: reset })
    expect(proven.status, proven.text).toBe(200)
    const again = await post('/api/password/reset-password', { token, new_password: PASSWORD })
    expect(again.status).toBe(400)
    expect((await logIn(changed)).status).toBe(401)
    expect((await logIn(reset)).status).toBe(200)
  })

  test('leaves no password and no token in the log', () => {
    const log = bundle.logs().join('\n')
    expect(log).toContain('"route":"/api/users/login"')
    expect(log).not.toContain(PASSWORD)
    expect(log).not.toContain(email)
    expect(log).not.toMatch(/eyJ[\w-]+\.|reset-password\?token/)
  })
})

describe('static assets', () => {
  const SECURITY_HEADERS = {
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'x-permitted-cross-domain-policies': 'none',
  }
  const secured = (headers: Headers) =>
    expect(Object.fromEntries(headers)).toMatchObject({
      ...SECURITY_HEADERS,
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/),
    })

  test.each(['/docs', '/redoc', '/reset-password'])('GET %s answers a page', async (path) => {
    const { status, headers, text } = await call(bundle.url + path)
    expect(status).toBe(200)
    expect(headers.get('Content-Type')).toContain('text/html')
    expect(headers.get('Content-Security-Policy')).not.toMatch(/script-src[^;]*unsafe/)
    expect(text).toContain('<!doctype html>')
    secured(headers)
  })

  test('GET /openapi.json answers the document with the paths of the API', async () => {
    const { status, headers, body } = await call(`${bundle.url}/openapi.json`)
    expect(status).toBe(200)
    expect(body.openapi).toMatch(/^3\.1/)
    expect(Object.keys(body.paths)).toContain('/api/users/login')
    secured(headers)
  })

  test('GET /assets/… answers every file of dist/assets', async () => {
    const files = await readdir(join(import.meta.dirname, '../../dist/assets/assets'))
    expect(files).toContain('swagger-ui-bundle.js')
    for (const file of files) {
      const { status, headers } = await call(`${bundle.url}/assets/${file}`)
      expect(status, file).toBe(200)
      expect(headers.get('Cache-Control'), file).toBe('public, max-age=3600')
      secured(headers)
    }
    expect((await call(`${bundle.url}/assets/none.js`)).status).toBe(404)
  })
})
