import { expect, test } from 'vitest'
import { newUser, PASSWORD } from '../setup/accounts.ts'
import { type ApiResponse, environment, expectError } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { expectResponse, TOKEN_PAIR } from '../setup/shapes.ts'
import { browser, cookiesOf, LISTED } from './browser.ts'

const expectUntrusted = (response: ApiResponse) => {
  expectError(
    response,
    403,
    'AuthorizationError',
    'Refresh tokens in cookies need an Origin header that is listed in CORS_ORIGINS',
  )
  expect(cookiesOf(response)).toEqual([])
}

const FOREIGN = [
  ...[null, 'null', '', '*', 'https://evil.example.net', 'https://app.example.com.evil.net'],
  ...['https://evilapp.example.com', 'https://evil.app.example.com', 'https://example.com'],
  ...['https://app.example.com:8443', 'https://app.example.com/', 'http://app.example.com'],
  ...['HTTPS://APP.EXAMPLE.COM', 'https://app.example.com, https://evil.net', 'http://localhost'],
  ...[
    'http://localhost:5174',
    'https://app.example.com@evil.net',
    'https://accounts.example.com:444',
  ],
  ...[
    'http://accounts.example.com',
    'https://accounts.example.com.',
    'accounts.example.com',
    'https://accounts.example.co',
    'https://accounts',
    'https:',
  ],
]

test('Cookies (CSRF, ASVS 3.5.1): from another origin, refresh, logout and login with a cookie return 403 and change nothing', async () => {
  const [{ username, id }, mine] = [await newUser(), await newUser()]
  const page = browser()
  await page.post('login', { username, password: PASSWORD })
  const state = () =>
    sql('select counter, revoked_at from user_sessions where account_id = $1 order by id', [id])
  const before = await state()
  let { refresh_token } = mine
  for (const origin of FOREIGN) {
    for (const mode of [true, false]) {
      expectUntrusted(await page.post('refresh', {}, { origin, mode }))
      expectUntrusted(await page.post('logout', {}, { origin, mode }))
    }
    // Login CSRF: neither a password nor a token of the attacker's puts a cookie into the browser.
    const credentials = { username: mine.username, password: PASSWORD }
    expectUntrusted(await page.post('login', credentials, { origin }))
    expectUntrusted(await page.post('refresh', { refresh_token }, { origin }))
    expectUntrusted(await page.post('logout', { refresh_token }, { origin }))
    // Without cookie mode the body works as before, from wherever.
    const plain = await page.post('refresh', { refresh_token }, { origin, mode: false })
    expectResponse(plain, 200, TOKEN_PAIR)
    expect(cookiesOf(plain)).toEqual([])
    refresh_token = plain.body.refresh_token
  }
  expect(await state()).toEqual(before)
})

test.each([
  ['a listed one', LISTED, {}],
  ['that of the service', 'https://accounts.example.com', { CORS_ORIGINS: '', PUBLIC_URL: '' }],
  [
    'that of PUBLIC_URL',
    'https://id.example.org',
    { PUBLIC_URL: 'https://id.example.org/accounts' },
  ],
  [
    'any on localhost in development',
    'http://localhost:4321',
    { ENVIRONMENT: 'development' as const },
  ],
])('Cookies: from %s, refresh and logout take the cookie', async (_, origin, variables) => {
  const { username } = await newUser()
  const page = browser({ env: environment(variables) })
  for (const [act, status] of [
    ['login', 200],
    ['refresh', 200],
    ['logout', 204],
  ] as const) {
    const body = act === 'login' ? { username, password: PASSWORD } : {}
    expect((await page.post(act, body, { origin })).status, act).toBe(status)
  }
  expect(page.held()).toBeUndefined()
})
