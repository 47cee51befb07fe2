import { describe, expect, test } from 'vitest'
import { ACCOUNT_TYPES } from '../routes/account/account-types.ts'
import { newUser, PASSWORD } from '../setup/accounts.ts'
import { environment } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import {
  expectInvalid,
  expectResponse,
  expectUnauthenticated,
  TOKEN_PAIR,
} from '../setup/shapes.ts'
import {
  browser,
  expectCleared,
  expectUntouched,
  loggedIn,
  openSessions,
  REJECTED,
  WITHOUT_REFRESH_TOKEN,
} from './browser.ts'

describe.each(ACCOUNT_TYPES)('$type', (accounts) => {
  const { type, kind, create } = accounts

  test(`Cookies (9): POST /api/${type}/refresh gives the same successor for 30 seconds, then ends the session of a stolen cookie`, async () => {
    const { page, id } = await loggedIn(accounts)
    const stolen = `${page.name}=${page.held()}`
    await page.post('refresh')
    const successor = page.held()
    expect((await page.post('refresh', {}, { cookie: stolen })).status).toBe(200)
    expect(page.held()).toBe(successor)

    await sql(
      `update ${kind}_sessions set rotated_at = now() - interval '31 seconds' where account_id = $1`,
      [id],
    )
    const reused = await page.post('refresh', {}, { cookie: stolen })
    expectUnauthenticated(reused, REJECTED)
    expectCleared(reused, page.name)
    expectUnauthenticated(
      await page.post('refresh', {}, { cookie: `${page.name}=${successor}` }),
      REJECTED,
    )
    expect(await openSessions(accounts, id)).toBe(1) // That of `create`.
  })

  test(`Cookies: a token in the body of POST /api/${type}/refresh wins over the cookie, which it leaves alone`, async () => {
    const { page } = await loggedIn(accounts)
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
    const { page, id } = await loggedIn(accounts)
    const other = await create()
    const response = await page.post(
      'logout',
      { refresh_token: other.refresh_token },
      { mode: false },
    )
    expect(response.status).toBe(204)
    expectUntouched(response)
    expect([await openSessions(accounts, other.id), await openSessions(accounts, id)]).toEqual([
      0, 2,
    ])
    expectCleared(await page.post('logout', { refresh_token: 'dead' }), page.name)
  })

  test(`Cookies (23): POST /api/${type}/logout spends the quota for the session of the cookie, whatever token the body has`, async () => {
    const { page, id } = await loggedIn(accounts)
    const cookie = `${page.name}=${page.held()}`
    const limited = browser({ type, env: environment({ RATE_LIMIT_PER_HOUR: 1 }) })
    const logOut = () => limited.post('logout', { refresh_token: 'garbage' }, { cookie })
    expect((await logOut()).status).toBe(204)
    expect(await openSessions(accounts, id)).toBe(1) // That of `create`.
    expect((await logOut()).status).toBe(429)
    // What is not genuine costs no trip, and nothing of the quota.
    const nothing = await limited.post('logout', { refresh_token: 'garbage' }, { cookie: '' })
    expect(nothing.status).toBe(204)
  })

  test(`Cookies (ASVS 7.2.4): a session of /api/${type} ends when another takes the place of its cookie`, async () => {
    const { page, username, id } = await loggedIn(accounts)
    const first = page.held()
    await page.post('login', { username, password: PASSWORD })
    expect(await openSessions(accounts, id)).toBe(2) // One of them that of `create`.
    expectUnauthenticated(
      await browser({ type }).post('refresh', {}, { cookie: `${page.name}=${first}` }),
      REJECTED,
    )
    const { refresh_token } = await create()
    await page.post('refresh', { refresh_token })
    expect(await openSessions(accounts, id)).toBe(1)
    expect((await page.post('refresh')).status).toBe(200)
  })

  test(`Cookies (13): the cookie of the other account type is never read by /api/${type}`, async () => {
    const { page } = await loggedIn(accounts)
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

  test(`Cookies: ending the own session at /api/${type}/me/sessions clears its cookie, ending another does not`, async () => {
    const { page, username, token } = await loggedIn(accounts)
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
