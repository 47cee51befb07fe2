import { describe, expect, test } from 'vitest'
import { createClient } from '../src/index.ts'
import type { TokenPlace } from '../src/types.ts'
import {
  failure,
  LOGIN,
  type Received,
  type Reply,
  serialOf,
  startWire,
  tokenPair,
} from './wire.ts'

/** Of an access token that is valid for so long that it is not refreshed yet, soon, or at once. */
const EXPIRY = { valid: 900, soon: 10, past: -1 }

const UNAUTHORIZED = failure(401, 'AuthenticationError')

type Replies = {
  me?: (received: Received) => Reply | Promise<Reply>
  refresh?: (serial: number) => Reply | Promise<Reply>
  logout?: () => Reply
}

/** Logs in on a server whose pairs are 1 at login, then 2, 3, … */
async function signedIn(
  {
    me = () => ({ status: 200, body: {} }),
    refresh = (serial) => tokenPair(serial),
    logout = () => ({ status: 204 }),
  }: Replies,
  { expires_in = EXPIRY.valid, tokens = 'memory' as TokenPlace } = {},
) {
  let serial = 1
  const wire = await startWire((received) => {
    if (received.call.endsWith('/login')) return tokenPair(serial, { expires_in })
    if (received.call.endsWith('/logout')) return logout()
    if (received.call.endsWith('/refresh')) return refresh(++serial)
    return me(received)
  })
  const accounts = createClient({ url: wire.url, tokens })
  await accounts.loginUser(LOGIN)
  wire.received.length = 0
  const refreshes = () => wire.received.filter(({ call }) => call === 'POST /api/v1/users/refresh')
  return { wire, accounts, refreshes }
}

const later = <Value>(value: Value, ms = 50) =>
  new Promise<Value>((resolve) => setTimeout(resolve, ms, value))

describe('an access token', () => {
  test('that is valid is sent as it is', async () => {
    const { wire, accounts, refreshes } = await signedIn({})
    await accounts.getCurrentUser()
    expect(wire.received.map(serialOf)).toEqual([1])
    expect(refreshes()).toEqual([])
  })

  test('that expires within 30 seconds is refreshed by 50 calls with one request', async () => {
    const { wire, accounts, refreshes } = await signedIn(
      { refresh: (serial) => later(tokenPair(serial)) },
      { expires_in: EXPIRY.soon },
    )
    await Promise.all(Array.from({ length: 50 }, () => accounts.getCurrentUser()))
    expect(refreshes().map(({ body }) => JSON.parse(body))).toEqual([
      { refresh_token: 'refresh-1' },
    ])
    expect(wire.received.map(serialOf).filter(Boolean)).toEqual(Array(50).fill(2))
  })

  test('that 50 calls find rejected with 401 is refreshed with one request, and each call repeated once', async () => {
    const { wire, accounts, refreshes } = await signedIn({
      me: (received) => (serialOf(received) === 1 ? UNAUTHORIZED : { status: 200, body: {} }),
    })
    await Promise.all(Array.from({ length: 50 }, () => accounts.getCurrentUser()))
    expect(refreshes()).toHaveLength(1)
    expect(wire.received).toHaveLength(50 + 1 + 50)
  })

  test('that is rejected when fresh is not refreshed again', async () => {
    const { accounts, refreshes } = await signedIn({ me: () => UNAUTHORIZED })
    await expect(accounts.getCurrentUser()).rejects.toMatchObject({ status: 401 })
    expect(refreshes()).toHaveLength(1)
    expect(accounts.user.current()).toEqual({ id: 7, role: 'user' })
  })

  test('is not refreshed for the 401 of a wrong current password', async () => {
    const message = 'Current password is incorrect'
    const { wire, accounts } = await signedIn({
      me: () => failure(401, 'AuthenticationError', { message }),
    })
    const change = { current_password: 'wrong', new_password: LOGIN.password }
    await expect(accounts.changeUserPassword(change)).rejects.toMatchObject({ message })
    expect(wire.calls()).toEqual(['POST /api/v1/users/change-password'])
  })

  test('for a backend of one’s own is refreshed if need be, and null when signed out', async () => {
    const { accounts, refreshes } = await signedIn({}, { expires_in: EXPIRY.soon })
    expect(await accounts.user.accessToken()).toBe(tokenPair(2).body.access_token)
    expect(await accounts.admin.accessToken()).toBeNull()
    expect(refreshes()).toHaveLength(1)
  })
})

describe('a refresh', () => {
  test('with 401 signs out, and tells subscribers', async () => {
    const { accounts } = await signedIn(
      { refresh: () => UNAUTHORIZED },
      { expires_in: EXPIRY.past },
    )
    const seen: unknown[] = []
    const stop = accounts.user.subscribe(() => seen.push(accounts.user.current()))
    await expect(accounts.getCurrentUser()).rejects.toMatchObject({ status: 401 })
    expect(accounts.user.current()).toBeNull()
    expect(seen).toEqual([null])
    stop()
    await accounts.loginUser(LOGIN)
    expect(seen).toEqual([null])
  })

  test.each<[string, Reply]>([
    ['a broken connection', 'disconnect'],
    ['503', failure(503, 'ServiceUnavailableError')],
    ['429', failure(429, 'RateLimitError', { 'Retry-After': '900' })],
    ['500', failure(500, 'InternalServerError')],
    ['403', failure(403, 'AuthorizationError')],
  ])('with %s signs nobody out: the next one succeeds', async (_, reply) => {
    let isDown = true
    const { accounts } = await signedIn(
      { refresh: (serial) => (isDown ? reply : tokenPair(serial)) },
      { expires_in: EXPIRY.past },
    )
    await expect(accounts.getCurrentUser()).rejects.toMatchObject({ name: 'ApiError' })
    expect(accounts.user.current()).toEqual({ id: 7, role: 'user' })
    isDown = false
    await accounts.getCurrentUser()
  })

  test('that fails while the access token is valid leaves it in use', async () => {
    const { wire, accounts } = await signedIn(
      { refresh: () => failure(429, 'RateLimitError', { 'Retry-After': '900' }) },
      { expires_in: EXPIRY.soon },
    )
    await accounts.getCurrentUser()
    expect(wire.received.map(serialOf)).toEqual([undefined, 1])
  })

  test('whose response is lost is sent again with the same token', async () => {
    let isLost = true
    const { accounts, refreshes } = await signedIn(
      {
        refresh() {
          if (!isLost) return tokenPair(2)
          isLost = false
          return 'disconnect'
        },
      },
      { expires_in: EXPIRY.past },
    )
    await accounts.getCurrentUser()
    expect(refreshes().map(({ body }) => body)).toEqual(
      Array(2).fill('{"refresh_token":"refresh-1"}'),
    )
  })

  test('goes on when a call that waits for it aborts', async () => {
    const { accounts, refreshes } = await signedIn(
      { refresh: (serial) => later(tokenPair(serial)) },
      { expires_in: EXPIRY.past },
    )
    const signal = AbortSignal.timeout(10)
    const calls = [accounts.getCurrentUser({}, { signal }), accounts.getCurrentUser()]
    const [aborted, answered] = await Promise.allSettled(calls)
    expect(aborted).toMatchObject({ status: 'rejected', reason: { name: 'TimeoutError' } })
    expect(answered?.status).toBe('fulfilled')
    expect(refreshes()).toHaveLength(1)
  })

  test('on request returns the new access token, and no refresh token', async () => {
    const { accounts } = await signedIn({})
    const refreshed = await accounts.refreshUserTokens()
    const { access_token } = tokenPair(2).body
    expect(refreshed).toEqual({ access_token, token_type: 'bearer', expires_in: 900 })
    await accounts.logoutUser()
    await expect(accounts.refreshUserTokens()).rejects.toMatchObject({ status: 401 })
  })

  test('that ends after a logout does not sign in again', async () => {
    const { accounts, wire } = await signedIn({ refresh: (serial) => later(tokenPair(serial)) })
    const refreshed = accounts.refreshUserTokens().catch((thrown) => thrown)
    await later(undefined, 10)
    await accounts.logoutUser()
    expect(await refreshed).toMatchObject({ status: 401 })
    expect(accounts.user.current()).toBeNull()
    expect(wire.calls()).toContain('POST /api/v1/users/logout')
  })
})

describe('logout', () => {
  test('sends the refresh token, once', async () => {
    const { wire, accounts } = await signedIn({})
    await accounts.logoutUser()
    await accounts.logoutUser()
    expect(wire.received.map(({ call, body }) => `${call} ${body}`)).toEqual([
      'POST /api/v1/users/logout {"refresh_token":"refresh-1"}',
    ])
  })

  test('drops the tokens though the service is down, and rejects', async () => {
    const { accounts } = await signedIn({ logout: () => 'disconnect' })
    await expect(accounts.logoutUser()).rejects.toMatchObject({ error: 'NetworkError' })
    expect(accounts.user.current()).toBeNull()
  })

  test('of the user leaves the admin signed in', async () => {
    const { accounts, wire } = await signedIn({})
    await accounts.loginAdmin(LOGIN)
    await accounts.logoutUser()
    expect(accounts.user.current()).toBeNull()
    expect(accounts.admin.current()).not.toBeNull()
    await accounts.listUsers()
    expect(wire.received.map(serialOf).at(-1)).toBe(1)
  })

  test('follows on deleting the account', async () => {
    const { accounts, wire } = await signedIn({ me: () => ({ status: 204 }) })
    await accounts.deleteCurrentUser({ password: LOGIN.password })
    expect(accounts.user.current()).toBeNull()
    expect(wire.calls()).toEqual(['DELETE /api/v1/users/me'])
  })
})
