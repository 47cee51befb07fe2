import { expect, test } from 'vitest'
import type { Bindings } from '../../../src/context.ts'
import { environment, visitor } from '../../setup/api.ts'

const under = (variables: Partial<Bindings>) => visitor({ env: environment(variables) })

const PAGES = ['/reset-password', '/forgot-password']
const MARKUP = '<script>alert(1)</script> & "Söhne"'

test.each(PAGES)('GET %s has the name of the product as text', async (path) => {
  const { text } = await under({ PROJECT_NAME: MARKUP }).get(path)
  expect(text).toContain(
    '<span data-project-name>&lt;script&gt;alert(1)&lt;/script&gt; &amp; "Söhne"</span>',
  )
})

test.each(PAGES)(
  'GET %s loads a logo from its origin alone, and has none by default',
  async (path) => {
    const LOGO_URL = 'https://cdn.acme.io/brand/logo.png?v=2&x="><b>'
    const { text, headers } = await under({ LOGO_URL }).get(path)
    expect(text).toMatch(/<img [^>]*src="https:\/\/cdn\.acme\.io\/brand\/logo\.png\?v=2&[^"]*"/)
    expect(text).toMatch(/<link rel="icon" href="https:\/\/cdn\.acme\.io\/brand\/logo\.png[^"]*">/)
    expect(text).not.toMatch(/<b>(?!")/)
    const policy = headers.get('Content-Security-Policy') ?? ''
    expect(policy.split('; ')).toContain("img-src 'self' https://cdn.acme.io")

    const plain = await under({ LOGO_URL: '' }).get(path)
    expect(plain.text).not.toContain('<img')
    expect(plain.headers.get('Content-Security-Policy')).toContain("img-src 'self'")
    expect(plain.headers.get('Content-Security-Policy')).not.toContain('https:')
  },
)

test('GET /docs and /redoc allow the origin of the logo too', async () => {
  for (const path of ['/docs', '/redoc']) {
    const { headers } = await under({ LOGO_URL: 'https://cdn.acme.io/logo.png' }).get(path)
    const policy = headers.get('Content-Security-Policy') ?? ''
    expect(policy).toContain("img-src 'self' data: https://cdn.acme.io")
  }
})

test.each([
  [
    'SIGN_IN_URL',
    { SIGN_IN_URL: 'https://app.acme.io/#/login?next=%2F' },
    'https://app.acme.io/#/login?next=%2F',
  ],
  ['FRONTEND_URL', { FRONTEND_URL: 'https://app.acme.io' }, 'https://app.acme.io'],
])('GET /reset-password leads to %s after success', async (_, variables, href) => {
  const { text } = await under(variables).get('/reset-password')
  const done = /<section id="done".*?<\/section>/s.exec(text)?.[0]
  expect(done).toContain(`href="${href}" data-sign-in>Sign in</a>`)
  expect(done).not.toContain('You can close this page.')
})

test('GET /reset-password and /forgot-password lead nowhere without a frontend', async () => {
  for (const path of PAGES) {
    const { text } = await under({ FRONTEND_URL: '' }).get(path)
    expect(text).not.toMatch(/data-sign-in|sign in</)
    if (path === '/reset-password') expect(text).toContain('You can close this page.')
  }
})

test('GET /reset-password has the minimum length of passwords that is configured', async () => {
  const { text } = await under({ PASSWORD_MIN_LENGTH: '15' }).get('/reset-password')
  expect(text).toMatch(/<input class="input" id="password"[^>]* minlength="15"/)
  expect(text).toContain('At least <span data-password-min-length>15</span> characters.')
})

test('GET of a page never returns 304: it changes with the configuration', async () => {
  const first = await under({}).get('/reset-password')
  expect(first.headers.get('ETag')).toBeNull()
  const again = await under({}).get('/reset-password', { headers: { 'If-None-Match': '*' } })
  expect(again).toMatchObject({ status: 200, text: first.text })
  const head = await under({}).call('HEAD', '/reset-password')
  expect(head).toMatchObject({ status: 200, text: '' })
})

test('GET /assets/brand.css and favicon.svg have the color of the brand, kept for five minutes', async () => {
  const { get } = under({ BRAND_COLOR: '#FFD400' })
  const { headers, text } = await get('/assets/brand.css')
  expect(headers.get('Content-Type')).toBe('text/css; charset=utf-8')
  expect(headers.get('Cache-Control')).toBe('public, max-age=300')
  expect(text).toContain('--brand-fill: #ffd400;\n  --on-brand-fill: #000000;')
  expect(text.match(/--(on-)?brand: #[\da-f]{6}/g)).toEqual([
    ...['--brand: #7f6a00', '--on-brand: #ffffff'],
    ...['--brand: #ffd400', '--on-brand: #000000'],
  ])
  const icon = await get('/assets/favicon.svg')
  expect(icon.headers.get('Content-Type')).toBe('image/svg+xml')
  expect(icon.headers.get('Cache-Control')).toBe('public, max-age=300')
  expect(icon.text).toContain('fill="#ffd400"')
  expect(icon.text).toContain('fill="#000000"')
  expect(icon.text).not.toMatch(/#1d4ed8|#fff"/)
})
