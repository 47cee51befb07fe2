import { expect, test } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { environment, expectError, visitor } from '../../setup/api.ts'

const { get, call } = visitor()

test('GET / says where to go next', async () => {
  const { status, body } = await get('/')
  expect(status).toBe(200)
  expect(body).toEqual({
    message: 'Welcome to ADL Production API!',
    version: packageJson.version,
    docs: '/docs',
    redoc: '/redoc',
    health: '/health',
  })
  const renamed = visitor({ env: environment({ PROJECT_NAME: 'Acme' }) })
  expect((await renamed.get('/')).body.message).toBe('Welcome to Acme API!')
})

test.each([
  ['/docs', 'swagger-ui'],
  ['/redoc', 'redoc'],
  ['/reset-password', 'Choose a new password'],
])('GET %s is a page that loads nothing from elsewhere', async (path, content) => {
  const { status, headers, text } = await get(path)
  expect(status).toBe(200)
  expect(headers.get('Content-Type')).toBe('text/html; charset=utf-8')
  expect(text).toContain(content)

  const policy = headers.get('Content-Security-Policy') ?? ''
  expect(policy).toContain("default-src 'none'; script-src 'self'; connect-src 'self'")
  expect(policy).not.toMatch(/script-src[^;]*unsafe/)
  expect(text).not.toMatch(/<script(?![^>]*\ssrc="\/)/)
  const sources = [...text.matchAll(/\s(?:src|href)="([^"#]+)"/g)].map(([, source]) => source ?? '')
  const files = sources.filter((source) => source.startsWith('/assets/'))
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) expect([file, (await get(file)).status]).toEqual([file, 200])
  expect(text).not.toMatch(/<(?:script|link|img)[^>]+https?:/)
})

test('GET /reset-password?token=… keeps the token to itself', async () => {
  const { status, headers } = await get('/reset-password?token=abc')
  expect(status).toBe(200)
  expect(headers.get('Referrer-Policy')).toBe('no-referrer')
  expect(headers.get('Cache-Control')).toBe('no-store')
})

test('GET /openapi.json is an OpenAPI 3.1 document that may be kept for an hour', async () => {
  const { status, headers, body } = await get('/openapi.json')
  expect(status).toBe(200)
  expect(body.openapi).toMatch(/^3\.1\./)
  expect(body.info).toMatchObject({ title: 'ADL Production API', version: packageJson.version })
  expect(headers.get('Cache-Control')).toBe('public, max-age=3600')
})

test('GET /assets/* serves files with an ETag and 304, and 404 for what is not there', async () => {
  const { status, headers } = await get('/assets/page.css')
  expect(status).toBe(200)
  expect(headers.get('Content-Type')).toMatch(/^text\/css/)
  expect(headers.get('Cache-Control')).toBe('public, max-age=3600')
  const etag = headers.get('ETag') ?? ''
  expect(etag).not.toBe('')

  const cached = await get('/assets/page.css', { headers: { 'If-None-Match': etag } })
  expect(cached).toMatchObject({ status: 304, text: '' })
  expect(cached.headers.get('Strict-Transport-Security')).not.toBeNull()

  const missing = "The requested resource '/assets/nothing.css' was not found"
  expectError(await get('/assets/nothing.css'), 404, 'NotFoundError', missing)
  expect(await call('HEAD', '/assets/page.css')).toMatchObject({ status: 200, text: '' })
})

test('GET /docs answers 503 when the assets are away', async () => {
  const ASSETS = { fetch: () => Promise.reject(new Error('away')) } as unknown as Fetcher
  const answer = await visitor({ env: environment({ ASSETS }) }).get('/docs')
  expectError(answer, 503, 'ServiceUnavailableError', 'This page is not available right now')
})

test('GET /.well-known/jwks.json publishes the public keys and nothing of the private ones', async () => {
  const { status, headers, body } = await get('/.well-known/jwks.json')
  expect(status).toBe(200)
  expect(headers.get('Cache-Control')).toBe('public, max-age=300')
  const text = expect.any(String)
  expect(body).toEqual({
    keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: text, x: text }],
  })
})
