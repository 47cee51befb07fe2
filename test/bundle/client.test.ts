/** The typed client (client/) in Node, over HTTP, with the service as it is deployed. */
import { randomInt } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createClient } from '../../client/dist/index.js'
import { API_BASE, OPERATIONS } from '../../client/src/api.ts'
import {
  newAccount,
  PASSWORD,
  resetTokenFor,
  type ServedBundle,
  serveBundle,
  sql,
} from './served-bundle.ts'

const NEXT_PASSWORD = `${PASSWORD}, chosen`
const MINUTE_MS = 60_000

let bundle: ServedBundle

/** Method and path of all calls of this file. */
const called: string[] = []

beforeAll(async () => {
  bundle = await serveBundle()
})
afterAll(() => bundle?.close())
afterEach(() => {
  vi.useRealTimers()
})

/** A client with an address of its own. `sent` lists its calls, `bodies` what they returned. */
function newClient() {
  const address = `198.51.${randomInt(256)}.${randomInt(256)}`
  const sent: string[] = []
  const bodies: { refresh_token?: string }[] = []
  const accounts = createClient({
    url: bundle.url,
    async fetch(input, init) {
      const headers = { ...init.headers, 'CF-Connecting-IP': address }
      sent.push(`${init.method} ${new URL(input).pathname}`)
      called.push(`${init.method} ${new URL(input).pathname}`)
      const response = await fetch(input, { ...init, headers })
      if (response.status === 200) bodies.push(await response.clone().json())
      return response
    },
  })
  return { accounts, sent, bodies }
}

async function signedIn() {
  const account = newAccount()
  const client = newClient()
  const user = await client.accounts.registerUser(account)
  await client.accounts.loginUser(account)
  return { ...client, account, user }
}

/** Lets this process believe that time has passed. The service goes on at its own. */
const pass = (minutes: number) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * MINUTE_MS })
}

test('a user’s calls', async () => {
  const { accounts, account, user } = await signedIn()
  const { username, email } = account
  expect(await accounts.getCurrentUser()).toEqual(user)
  const full_name = 'Ada Lovelace'
  expect(await accounts.updateCurrentUser({ full_name })).toMatchObject({ username, full_name })
  await accounts.changeUserPassword({ current_password: PASSWORD, new_password: NEXT_PASSWORD })

  const second = newClient().accounts
  await second.loginUser({ email, password: NEXT_PASSWORD })
  const [own, other] = await second.listUserSessions({ page: 1, page_size: 2 })
  expect([own?.current, other?.current]).toEqual([true, false])
  await second.endUserSession({ id: other?.id ?? '' })
  await expect(accounts.getCurrentUser()).rejects.toMatchObject({ status: 401 })
  expect(accounts.user.current()).toBeNull()
  await second.endOtherUserSessions()
  expect((await second.exportCurrentUser()).account).toMatchObject({ username, full_name })

  await accounts.requestUserPasswordReset({ email })
  const token = await resetTokenFor(email)
  await accounts.checkUserPasswordReset({ token })
  await accounts.resetUserPassword({ token, new_password: PASSWORD })
  await second.loginUser({ username, password: PASSWORD })
  await second.logoutUser()
  await second.loginUser({ username, password: PASSWORD })
  await second.refreshUserTokens()
  await second.deleteCurrentUser({ password: PASSWORD })
  expect(second.user.current()).toBeNull()
  await expect(accounts.loginUser(account)).rejects.toMatchObject({ status: 401 })
})

test('an admin’s calls', async () => {
  const { accounts } = newClient()
  const { username, email } = newAccount()
  const insert = 'insert into admins (username, email, is_superadmin) values ($1, $2, true)'
  await sql(insert, [username, email])
  await accounts.requestAdminPasswordReset({ email })
  const token = await resetTokenFor(email)
  await accounts.checkAdminPasswordReset({ token })
  await accounts.resetAdminPassword({ token, new_password: PASSWORD })

  await accounts.loginAdmin({ username, password: PASSWORD })
  expect(await accounts.getCurrentAdmin()).toMatchObject({ username, is_superadmin: true })
  await accounts.changeAdminPassword({ current_password: PASSWORD, new_password: NEXT_PASSWORD })
  await accounts.refreshAdminTokens()
  await accounts.endAdminSession({ id: (await accounts.listAdminSessions())[0]?.id ?? '' })
  await accounts.loginAdmin({ username, password: NEXT_PASSWORD })
  await accounts.endOtherAdminSessions()
  const colleague = newAccount()
  expect(await accounts.registerAdmin(colleague)).toMatchObject({ is_superadmin: false })

  const { account, user } = await signedIn()
  const { items } = await accounts.listUsers({ search: account.username, deleted: false })
  expect(items).toEqual([user])
  const { id } = user
  expect(await accounts.getUser({ id })).toEqual(user)
  expect(await accounts.updateUser({ id, is_active: false })).toMatchObject({ is_active: false })
  await accounts.signOutUser({ id })
  await accounts.deleteUser({ id })
  await accounts.restoreUser({ id })
  const events = await accounts.listAuditEvents({ target_kind: 'user', target_id: id })
  expect(events.items.map(({ action }) => action)).toContain('user_restored')
  await accounts.sendTestEmail({ to_email: email })
  await accounts.logoutAdmin()
  expect(accounts.admin.current()).toBeNull()
})

test('the calls above are all operations of the API', () => {
  const rows = Object.entries(OPERATIONS).filter(([, row]) => {
    const [method, path = ''] = row.split(' ')
    const pattern = new RegExp(`^${method} ${API_BASE}${path.replace(/\{\w+\}/, '[^/]+')}$`)
    return !called.some((call) => pattern.test(call))
  })
  expect(rows).toEqual([])
})

test('fifty calls after 15 minutes send one refresh', async () => {
  const { accounts, sent } = await signedIn()
  pass(14.6)
  sent.length = 0
  await Promise.all(Array.from({ length: 50 }, () => accounts.getCurrentUser()))
  const refreshes = sent.filter((call) => call === 'POST /api/v1/users/refresh')
  expect([sent.length, refreshes.length]).toEqual([51, 1])
})

test('a refresh token that a thief has used ends the session, and signs out', async () => {
  const { accounts, bodies, user } = await signedIn()
  const { refresh_token } = bodies.find((body) => body.refresh_token) ?? {}
  await accounts.refreshUserTokens()
  // After the 30 seconds in which the same token gets the same successor.
  await sql(
    "update user_sessions set rotated_at = rotated_at - interval '1 minute' where account_id = $1",
    [user.id],
  )
  const theft = await fetch(`${bundle.url}/api/users/refresh`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ refresh_token }),
  })
  expect(theft.status).toBe(401)
  await expect(accounts.getCurrentUser()).rejects.toMatchObject({
    status: 401,
    message: 'Invalid or expired refresh token',
  })
  expect(accounts.user.current()).toBeNull()
})

test('a wrong current password is one call, and leaves the account signed in', async () => {
  const { accounts, sent } = await signedIn()
  sent.length = 0
  await expect(accounts.deleteCurrentUser({ password: 'wrong' })).rejects.toMatchObject({
    status: 401,
    message: 'Current password is incorrect',
  })
  expect(sent).toEqual(['DELETE /api/v1/users/me'])
  expect(accounts.user.current()).not.toBeNull()
})
