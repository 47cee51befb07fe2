import { describe, expect, test } from 'vitest'
import { ACCOUNT_TYPES } from '../routes/account/account-types.ts'
import { newUser, PASSWORD } from '../setup/accounts.ts'
import { type ApiResponse, environment } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import {
  expectInvalid,
  expectResponse,
  expectUnauthenticated,
  TOKEN_PAIR,
} from '../setup/shapes.ts'
import { browser, cookiesOf, expectCleared, LISTED } from './browser.ts'

const WEEK = 7 * 24 * 60 * 60
const REJECTED = 'Invalid or expired refresh token'
const { refresh_token: _, ...WITHOUT_REFRESH_TOKEN } = TOKEN_PAIR

/** Neither a cookie nor a token: nothing of cookie mode. */
const expectUntouched = (response: ApiResponse) => expect(cookiesOf(response)).toEqual([])

describe.each(ACCOUNT_TYPES)('$type', ({ type, kind, create }) => {
  /** A browser that is logged in. */
  async function loggedIn(env = environment()) {
    const { username, id } = await create()
    const page = browser({ type, env })
    const response = await page.post('login', { username, password: PASSWORD })
    expect(response.status).toBe(200)
    return { page, username, id, response, token: String(response.body.access_token) }
  }

  const rotatedLongAgo = (id: number) =>
    sql(
      `update ${kind}_sessions set rotated_at = now() - interval '31 seconds' where account_id = $1`,
      [id],
    )

  const openSessions = async (id: number) => {
    const [row] = await sql<{ count: number }>(
      `select count(*)::int as count from ${kind}_sessions where account_id = $1 and revoked_at is null`,
      [id],
    )
    return row?.count
  }

  test(`Cookies (ASVS 3.3): POST /api/${type}/login sets the refresh token in a __Host- cookie that scripts can't read, and leaves it out of the body`, async () => {
    const { response, page } = await loggedIn()
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
    const { response } = await loggedIn(environment({ COOKIE_SAME_SITE: 'strict' }))
    const [cookie] = cookiesOf(response)
    expect(cookie?.attributes).toEqual([
      ...[`Max-Age=${WEEK}`, 'Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict'],
    ])
  })

  test.each([true, false])(
    `Cookies: POST /api/${type}/refresh takes and replaces the cookie, never showing it to scripts (X-Refresh-Token: %s)`,
    async (mode) => {
      const { page } = await loggedIn()
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

  test(`Cookies: the cookie of POST /api/${type}/refresh expires with the session at the latest`, async () => {
    const { page, id } = await loggedIn()
    await sql(
      `update ${kind}_sessions set ends_at = now() + interval '1 hour' where account_id = $1`,
      [id],
    )
    const response = await page.post('refresh')
    const maxAge = Number(cookiesOf(response).at(-1)?.attributes[0]?.replace('Max-Age=', ''))
    expect(maxAge).toBeGreaterThan(3540)
    expect(maxAge).toBeLessThanOrEqual(3600)
  })

  test(`Cookies (9): POST /api/${type}/refresh gives the same successor for 30 seconds, then ends the session of a stolen cookie`, async () => {
    const { page, id } = await loggedIn()
    const stolen = `${page.name}=${page.held()}`
    await page.post('refresh')
    const successor = page.held()
    expect((await page.post('refresh', {}, { cookie: stolen })).status).toBe(200)
    expect(page.held()).toBe(successor)

    await rotatedLongAgo(id)
    const reused = await page.post('refresh', {}, { cookie: stolen })
    expectUnauthenticated(reused, REJECTED)
    expectCleared(reused, page.name)
    expectUnauthenticated(
      await page.post('refresh', {}, { cookie: `${page.name}=${successor}` }),
      REJECTED,
    )
    expect(await openSessions(id)).toBe(1) // That of `create`.
  })

  test(`Cookies: POST /api/${type}/logout ends the session of the cookie and clears it, also one that is dead or missing`, async () => {
    const { page, id } = await loggedIn()
    const dead = `${page.name}=${page.held()}`
    for (const cookie of [dead, dead, `${page.name}=garbage`, `${page.name}=`, '']) {
      const response = await page.post('logout', {}, { cookie })
      expect([response.status, response.text]).toEqual([204, ''])
      expectCleared(response, page.name)
      expect(await openSessions(id)).toBe(1)
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

  test(`Cookies: a token in the body of POST /api/${type}/refresh wins over the cookie, which it leaves alone`, async () => {
    const { page } = await loggedIn()
    const other = await create()
    const response = await page.post(
      'refresh',
      { refresh_token: other.refresh_token },
      { mode: false },
    )
    expectResponse(response, 200, TOKEN_PAIR)
    expect(response.body.refresh_token).toContain(other.refresh_token.split('.')[0])
    expectUntouched(response)
    const rejected = await page.post('refresh', { refresh_token: 'garbage' })
    expectUnauthenticated(rejected, REJECTED)
    expectUntouched(rejected)
    for (const refresh_token of ['', null]) {
      expectInvalid(await page.post('refresh', { refresh_token }), 'refresh_token')
    }
    expect((await page.post('refresh')).status).toBe(200)
  })

  test(`Cookies: POST /api/${type}/refresh with a token in the body moves it into the cookie if asked to`, async () => {
    const { refresh_token } = await create()
    const page = browser({ type })
    expectResponse(await page.post('refresh', { refresh_token }), 200, WITHOUT_REFRESH_TOKEN)
    expect(page.held()).toContain(refresh_token.split('.')[0])
    expect((await page.post('refresh')).status).toBe(200)
  })

  test(`Cookies: a token in the body of POST /api/${type}/logout wins over the cookie, which only cookie mode clears`, async () => {
    const { page, id } = await loggedIn()
    const other = await create()
    const response = await page.post(
      'logout',
      { refresh_token: other.refresh_token },
      { mode: false },
    )
    expect(response.status).toBe(204)
    expectUntouched(response)
    expect([await openSessions(other.id), await openSessions(id)]).toEqual([0, 2])
    expectCleared(await page.post('logout', { refresh_token: 'dead' }), page.name)
  })

  test(`Cookies (ASVS 7.2.4): a session of /api/${type} ends when another takes the place of its cookie`, async () => {
    const { page, username, id } = await loggedIn()
    const first = page.held()
    await page.post('login', { username, password: PASSWORD })
    expect(await openSessions(id)).toBe(2) // One of them that of `create`.
    expectUnauthenticated(
      await browser({ type }).post('refresh', {}, { cookie: `${page.name}=${first}` }),
      REJECTED,
    )
    const { refresh_token } = await create()
    await page.post('refresh', { refresh_token })
    expect(await openSessions(id)).toBe(1)
    expect((await page.post('refresh')).status).toBe(200)
  })

  test(`Cookies (13): the cookie of the other account type is never read by /api/${type}`, async () => {
    const { page } = await loggedIn()
    const other = type === 'users' ? 'admins' : 'users'
    const elsewhere = browser({ type: other })
    const own = `${page.name}=${page.held()}`
    const renamed = `${elsewhere.name}=${page.held()}`
    expectUnauthenticated(await elsewhere.post('refresh', {}, { cookie: own }), REJECTED)
    expectUnauthenticated(await elsewhere.post('refresh', {}, { cookie: renamed }), REJECTED)
    await elsewhere.post('logout', {}, { cookie: `${own}; ${renamed}` })
    const unread = await page.post('refresh', {}, { cookie: renamed, mode: false })
    expectInvalid(unread, 'refresh_token')
    expect((await page.post('refresh', {}, { cookie: own })).status).toBe(200)
  })

  test(`Cookies: of several of one name /api/${type}/refresh reads the first, and names that look alike are others`, async () => {
    const { page } = await loggedIn()
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

  test(`Cookies: ending the own session at /api/${type}/me/sessions clears its cookie, ending another does not`, async () => {
    const { page, username, token } = await loggedIn()
    const elsewhere = browser({ type })
    await elsewhere.post('login', { username, password: PASSWORD })
    const end = (of: typeof page) =>
      page.call('DELETE', `me/sessions/${of.held()?.split('.')[0]}`, undefined, {
        mode: false,
        token,
      })
    const another = await end(elsewhere)
    expect(another.status).toBe(204)
    expectUntouched(another)
    expectCleared(await end(page), page.name)
  })

  test(`Cookies: 429 and 503 of /api/${type}/refresh and logout leave the cookie alone`, async () => {
    const { page } = await loggedIn()
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
})

test('Cookies: deleting the account clears its cookie', async () => {
  const { username } = await newUser()
  const page = browser()
  const { body } = await page.post('login', { username, password: PASSWORD })
  const deleted = await page.call(
    'DELETE',
    'me',
    { password: PASSWORD },
    { token: String(body.access_token) },
  )
  expect(deleted.status).toBe(204)
  expectCleared(deleted, page.name)
})

test('Cookies (10): after a change of password the cookie of this browser works, and that of another does not', async () => {
  const { username } = await newUser()
  const [here, there] = [browser(), browser()]
  await there.post('login', { username, password: PASSWORD })
  const { body } = await here.post('login', { username, password: PASSWORD })
  const change = { current_password: PASSWORD, new_password: 'another long password' }
  const changed = await here.post('change-password', change, { token: String(body.access_token) })
  expect(changed.status).toBe(200)
  expectUntouched(changed)
  expect((await here.post('refresh')).status).toBe(200)
  const rejected = await there.post('refresh')
  expectUnauthenticated(rejected, REJECTED)
  expectCleared(rejected, there.name)
})

test('Cookies: a failed login leaves the cookie alone', async () => {
  const { username } = await newUser()
  const page = browser()
  await page.post('login', { username, password: PASSWORD })
  const failed = await page.post('login', { username, password: 'wrong' })
  expect(failed.status).toBe(401)
  expectUntouched(failed)
})
