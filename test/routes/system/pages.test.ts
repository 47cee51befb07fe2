import { expect, test } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { environment, expectError, visitor } from '../../setup/api.ts'

const { get, call } = visitor()

test.each([
  ['/docs', 'swagger-ui'],
  ['/redoc', 'redoc'],
  ['/reset-password', 'Choose a new password'],
  ['/forgot-password', 'Reset your password'],
])('GET %s returns a page that loads nothing from other origins', async (path, content) => {
  const { status, headers, text } = await get(path)
  expect([status, headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(text).toContain(content)

  const policy = headers.get('Content-Security-Policy') ?? ''
  expect(policy).toContain("default-src 'none'; script-src 'self'; connect-src 'self'")
  expect(policy).not.toMatch(/script-src[^;]*unsafe/)
  expect(text).not.toMatch(/<script(?![^>]*\ssrc="\/)/)
  expect(text).not.toMatch(/<(?:script|link|img)[^>]+https?:/)
  const files = [...text.matchAll(/\s(?:src|href)="(\/assets\/[^"#]+)"/g)].map(([, file]) => file)
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) expect([file, (await get(`${file}`)).status]).toEqual([file, 200])
})

test.each(['/reset-password?token=abc', '/forgot-password'])(
  'GET %s returns a page that sends no referrer and is not cached',
  async (path) => {
    const { status, headers } = await get(path)
    expect(status).toBe(200)
    expect(headers.get('Referrer-Policy')).toBe('no-referrer')
    expect(headers.get('Cache-Control')).toBe('no-store')
  },
)

test('GET /openapi.json returns an OpenAPI 3.1 document that may be cached for an hour', async () => {
  const { status, headers, body } = await get('/openapi.json')
  expect(status).toBe(200)
  expect(body.openapi).toMatch(/^3\.1\./)
  expect(body.info).toMatchObject({ title: 'Accounts API', version: packageJson.version })
  expect(headers.get('Cache-Control')).toBe('public, max-age=3600')
})

test('GET /assets/* returns 200 with an ETag, 304 for that ETag, 404 for an unknown file', async () => {
  const { status, headers } = await get('/assets/page.css')
  expect(status).toBe(200)
  expect(headers.get('Content-Type')).toMatch(/^text\/css/)
  expect(headers.get('Cache-Control')).toBe('public, max-age=3600')
  const etag = headers.get('ETag') ?? ''
  expect(etag).not.toBe('')

  const cached = await get('/assets/page.css', { headers: { 'If-None-Match': etag } })
  expect(cached).toMatchObject({ status: 304, text: '' })
  const message = "The requested resource '/assets/nothing.css' was not found"
  expectError(await get('/assets/nothing.css'), 404, 'NotFoundError', message)
  expect(await call('HEAD', '/assets/page.css')).toMatchObject({ status: 200, text: '' })
})

test('GET /docs returns 503 during an outage of the static assets', async () => {
  const ASSETS = { fetch: () => Promise.reject(new Error('down')) } as unknown as Fetcher
  const response = await visitor({ env: environment({ ASSETS }) }).get('/docs')
  expectError(response, 503, 'ServiceUnavailableError', 'This page is not available right now')
})
