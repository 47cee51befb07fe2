/** Moments in which a client could sign out for no reason, or act as somebody else. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createClient } from '../src/index.ts'
import { failure, LOGIN, type Reply, serialOf, startWire, tokenPair } from './wire.ts'

const OTHER = { ...LOGIN, username: 'grace' }
const UNAUTHORIZED = failure(401, 'AuthenticationError')

/** Token pairs of Ada (id 7) begin at 1, those of Grace (id 8) at 101. */
async function twoAccounts(me: (serial: number | undefined) => Reply | Promise<Reply>) {
  let isRefreshed = () => {}
  const refreshed = new Promise<void>((resolve) => {
    isRefreshed = resolve
  })
  const wire = await startWire(async (received) => {
    const { call, body } = received
    if (call.endsWith('/login')) {
      const isAda = JSON.parse(body).username === LOGIN.username
      return isAda ? tokenPair(1, { expires_in: 10 }) : tokenPair(101, { id: 8 })
    }
    if (call.endsWith('/refresh')) {
      await refreshed
      return tokenPair(2)
    }
    return me(serialOf(received))
  })
  const accounts = createClient({ url: wire.url })
  await accounts.loginUser(LOGIN)
  wire.received.length = 0
  return { wire, accounts, isRefreshed }
}

const OK: Reply = { status: 200, body: {} }

test('a call that waits for a refresh is not sent as the account that signs in before it', async () => {
  const { wire, accounts } = await twoAccounts(() => OK)
  const login = accounts.loginUser(OTHER)
  const update = accounts.updateCurrentUser({ full_name: 'Ada' }).catch((thrown) => thrown)
  await login
  expect(await update).toMatchObject({ status: 401, message: 'Not signed in' })
  expect(accounts.user.current()?.id).toBe(8)
  expect(wire.calls()).toEqual(['POST /api/v1/users/login'])
})

test('a call that is rejected is not repeated as the account that has signed in meanwhile', async () => {
  let answer = () => {}
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  const { wire, accounts, isRefreshed } = await twoAccounts(async (serial) => {
    if (serial === 101) return OK
    await answered
    return UNAUTHORIZED
  })
  isRefreshed()
  const update = accounts.updateCurrentUser({ full_name: 'Ada' }).catch((thrown) => thrown)
  await expect.poll(() => wire.calls()).toContain('PUT /api/v1/users/me')
  await accounts.loginUser(OTHER)
  answer()
  expect(await update).toMatchObject({ status: 401 })
  expect(accounts.user.current()?.id).toBe(8)
  expect(wire.received.map(serialOf)).not.toContain(101)
})

test('deleting an account leaves the one signed in that has signed in meanwhile', async () => {
  let answer = () => {}
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  const { wire, accounts, isRefreshed } = await twoAccounts(async () => {
    await answered
    return { status: 204 }
  })
  isRefreshed()
  const deleted = accounts.deleteCurrentUser({ password: LOGIN.password })
  await expect.poll(() => wire.calls()).toContain('DELETE /api/v1/users/me')
  await accounts.loginUser(OTHER)
  answer()
  await deleted
  expect(accounts.user.current()?.id).toBe(8)
})

/** A client whose refresh gets this reply. */
async function refreshing(reply: Reply, options: { timeout?: number } = {}) {
  const wire = await startWire(({ call }) => (call.endsWith('/login') ? tokenPair(1) : reply))
  const accounts = createClient({ url: wire.url, ...options })
  await accounts.loginUser(LOGIN)
  wire.received.length = 0
  return { wire, accounts }
}

test.each<[string, Reply]>([
  ['401 of a proxy', { status: 401, body: '<h1>Sign in to the proxy</h1>' }],
  ['an empty response of a captive portal', { status: 200 }],
])('a refresh with %s signs nobody out', async (_, reply) => {
  const { accounts } = await refreshing(reply)
  await expect(accounts.refreshUserTokens()).rejects.toMatchObject({ error: 'UnexpectedResponse' })
  expect(accounts.user.current()).toEqual({ id: 7, role: 'user' })
})

test('a refresh without a response is sent again after 10 seconds, whatever the timeout: after 30 its token would be taken for stolen', async () => {
  const { wire, accounts } = await refreshing('hang', { timeout: 60_000 })
  accounts.refreshUserTokens().catch(() => {})
  await expect.poll(() => wire.received.length, { timeout: 12_000 }).toBe(2)
})

test('a login that waits for a refresh rejects at once when it aborts', async () => {
  const { wire, accounts } = await refreshing('hang')
  accounts.refreshUserTokens().catch(() => {})
  await expect.poll(() => wire.received.length).toBe(1)
  const signal = AbortSignal.timeout(50)
  const start = Date.now()
  const error = await accounts.loginUser(LOGIN, { signal }).catch((thrown) => thrown)
  expect(error).toBe(signal.reason)
  expect(Date.now() - start).toBeLessThan(5000)
  expect(wire.calls()).not.toContain('POST /api/v1/users/login')
})

test('a process ends when the wait between two attempts is aborted', async () => {
  const wire = await startWire(() => failure(503, 'DatabaseError', { 'Retry-After': '9' }))
  const source = `import { createClient } from '${import.meta.resolve('../dist/index.js')}'
    const signal = AbortSignal.timeout(200)
    const keepsRunning = setTimeout(() => {}, 400)
    await createClient({ url: '${wire.url}' }).listUsers({}, { signal }).catch(() => {})`
  const start = Date.now()
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source])
  expect(wire.received).toHaveLength(1)
  expect(Date.now() - start).toBeLessThan(8000)
})

test.each([
  ['soon', undefined],
  ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
  ['-5', 0],
])('Retry-After: %s has %s seconds', async (value, seconds) => {
  const { accounts } = await refreshing({ status: 429, headers: { 'Retry-After': value } })
  const error = await accounts.getCurrentUser().catch((thrown) => thrown)
  expect(error.retryAfter).toBe(seconds)
})
