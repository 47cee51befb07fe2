import { describe, expect, test } from 'vitest'
import { ACCOUNT_TYPES } from '../routes/account/account-types.ts'
import { PASSWORD } from '../setup/accounts.ts'
import { environment } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { expectInvalid, expectResponse, expectUnauthenticated } from '../setup/shapes.ts'
import {
  browser,
  cookiesOf,
  expectCleared,
  expectUntouched,
  LISTED,
  loggedIn,
  openSessions,
  REJECTED,
  WITHOUT_REFRESH_TOKEN,
} from './browser.ts'
import { expectClean, listen } from './captured-log.ts'

const WEEK = 7 * 24 * 60 * 60

describe.each(ACCOUNT_TYPES)('$type', (accounts) => {
  const { type, kind } = accounts

  test(`Cookies (ASVS 3.3): POST /api/${type}/login sets the refresh token in a __Host- cookie that scripts can't read, and leaves it out of the body`, async () => {
    const { response, page } = await loggedIn(accounts)
    expectResponse(response, 200, WITHOUT_REFRESH_TOKEN)
    expect(cookiesOf(response)).toEqual([
      {
        name: `__Host-refresh_${type}`,
        value: expect.stringMatching(/^[0-9a-f-]{36}\.0\.[\w-]{43}$/),
        attributes: [
          `Max-Age=${WEEK}`,
          'Path=/',
          'HttpOnly',
          'Secure',
          'SameSite=None',
          'Partitioned',
        ],
      },
    ])
    expect(response.headers.get('Cache-Control')).toBe('no-store')
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(LISTED)
    expect(response.headers.get('Access-Control-Allow-Credentials')).toBe('true')
    expect(response.text).not.toContain(page.held())
  })

  test(`Cookies: with COOKIE_SAME_SITE=strict the cookie of POST /api/${type}/login is SameSite=Strict and not partitioned`, async () => {
    const { response } = await loggedIn(accounts, environment({ COOKIE_SAME_SITE: 'strict' }))
    const [cookie] = cookiesOf(response)
    expect(cookie?.attributes).toEqual([
      ...[`Max-Age=${WEEK}`, 'Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict'],
    ])
  })

  test.each([true, false])(
    `Cookies: POST /api/${type}/refresh takes and replaces the cookie, never showing it to scripts (X-Refresh-Token: %s)`,
    async (mode) => {
      const { page } = await loggedIn(accounts)
      const first = page.held()
      const response = await page.post('refresh', {}, { mode })
      expectResponse(response, 200, WITHOUT_REFRESH_TOKEN)
      // The form that COOKIE_SAME_SITE=strict has, should the browser hold one from before, then the new one.
      expect(cookiesOf(response)).toMatchObject([
        {
          name: page.name,
          value: '',
          attributes: ['Max-Age=0', 'Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict'],
        },
        {
          name: page.name,
          attributes: [
            `Max-Age=${WEEK}`,
            'Path=/',
            'HttpOnly',
            'Secure',
            'SameSite=None',
            'Partitioned',
          ],
        },
      ])
      expect(page.held()).not.toBe(first)
      expect((await page.post('refresh')).status).toBe(200)
    },
  )

  test(`Cookies: POST /api/${type}/login, refresh and logout with another X-Refresh-Token than "cookie" return 422, and no token in the body`, async () => {
    const { page, username, id } = await loggedIn(accounts)
    for (const value of [
      'Cookie',
      'COOKIE',
      'cookie, x',
      'cookie, cookie',
      'cookie;',
      'true',
      '',
    ]) {
      const headers = {
        Origin: LISTED,
        'X-Refresh-Token': value,
        Cookie: `${page.name}=${page.held()}`,
      }
      for (const act of ['login', 'refresh', 'logout']) {
        const body = act === 'login' ? { username, password: PASSWORD } : {}
        const response = await page.client.post(`/api/${type}/${act}`, body, { headers })
        expectInvalid(response, 'X-Refresh-Token')
        expectUntouched(response)
      }
    }
    expect(await openSessions(accounts, id)).toBe(2)
    expect((await page.post('refresh')).status).toBe(200)
  })

  test(`Cookies: the cookie of POST /api/${type}/refresh expires with the session at the latest`, async () => {
    const { page, id } = await loggedIn(accounts)
    await sql(
      `update ${kind}_sessions set ends_at = now() + interval '1 hour' where account_id = $1`,
      [id],
    )
    const response = await page.post('refresh')
    const maxAge = Number(cookiesOf(response).at(-1)?.attributes[0]?.replace('Max-Age=', ''))
    expect(maxAge).toBeGreaterThan(3540)
    expect(maxAge).toBeLessThanOrEqual(3600)
  })

  test(`Cookies: POST /api/${type}/logout ends the session of the cookie and clears it, also one that is dead or missing`, async () => {
    const { page, id } = await loggedIn(accounts)
    const dead = `${page.name}=${page.held()}`
    for (const cookie of [dead, dead, `${page.name}=garbage`, `${page.name}=`, '']) {
      const response = await page.post('logout', {}, { cookie })
      expect([response.status, response.text]).toEqual([204, ''])
      expectCleared(response, page.name)
      expect(await openSessions(accounts, id)).toBe(1)
    }
    expectUnauthenticated(await page.post('refresh', {}, { cookie: dead }), REJECTED)
  })

  test(`Cookies: POST /api/${type}/refresh returns 401 and clears a dead cookie; in cookie mode without one it returns 401 too, otherwise 422`, async () => {
    const page = browser({ type })
    for (const value of ['garbage', '"x"', '%00', 'x'.repeat(5000)]) {
      const response = await page.post('refresh', {}, { cookie: `${page.name}=${value}` })
      expectUnauthenticated(response, REJECTED)
      expectCleared(response, page.name)
    }
    const signedOut = await page.post('refresh')
    expectUnauthenticated(signedOut, REJECTED)
    // Else it could clear the cookie of a login in another tab.
    expectUntouched(signedOut)
    expectInvalid(await page.post('refresh', {}, { mode: false }), 'refresh_token')
    expectInvalid(await page.post('logout', {}, { mode: false }), 'refresh_token')
  })

  test(`Cookies: of several of one name /api/${type}/refresh reads the first, and names that look alike are others`, async () => {
    const { page } = await loggedIn(accounts)
    const own = `${page.name}=${page.held()}`
    const lookAlikes = `refresh_${type}=x; __host-refresh_${type}=x; __Secure-refresh_${type}=x; x${page.name}=x`
    expect(
      (await page.post('refresh', {}, { cookie: `${lookAlikes}; ${own}; ${page.name}=tossed` }))
        .status,
    ).toBe(200)
    const tossed = await page.post('refresh', {}, { cookie: `${page.name}=tossed; ${own}` })
    expectUnauthenticated(tossed, REJECTED)
    expectCleared(tossed, page.name)
    expectInvalid(
      await page.post('refresh', {}, { cookie: lookAlikes, mode: false }),
      'refresh_token',
    )
  })

  test(`Cookies: 429 and 503 of /api/${type}/refresh and logout leave the cookie alone`, async () => {
    const { page } = await loggedIn(accounts)
    const cookie = `${page.name}=${page.held()}`
    const limited = browser({ type, env: environment({ RATE_LIMIT_PER_HOUR: 1 }) })
    await limited.post('refresh', {}, { cookie })
    const down = browser({ type, env: environment({ NEON_HTTP_URL: 'http://127.0.0.1:9/sql' }) })
    for (const act of ['refresh', 'logout']) {
      const [tooMany, unavailable] = [
        await limited.post(act, {}, { cookie }),
        await down.post(act, {}, { cookie }),
      ]
      expect([tooMany.status, unavailable.status]).toEqual([429, 503])
      for (const response of [tooMany, unavailable]) expectUntouched(response)
    }
  })

  test(`Cookies (30): no log line has a cookie of /api/${type}, whatever becomes of it`, async () => {
    const output = listen()
    const { page, id } = await loggedIn(accounts)
    const tokens = [String(page.held())]
    const cookie = `${page.name}=${page.held()}`
    await page.post('refresh')
    tokens.push(String(page.held()))
    await page.post('refresh', {}, { origin: 'https://evil.example.net' })
    await sql(
      `update ${kind}_sessions set rotated_at = now() - interval '1 hour' where account_id = $1`,
      [id],
    )
    expect((await page.post('refresh', {}, { cookie })).status).toBe(401)
    await page.post('logout', {}, { cookie })
    expect(output.lines()).toContainEqual(expect.objectContaining({ event: 'refresh_token_reuse' }))
    expectClean(output, tokens)
  })
})
