import { describe, expect, test } from 'vitest'
import { ApiError, createClient } from '../src/index.ts'
import { failure, LOGIN, REQUEST_ID, type Reply, startWire, tokenPair } from './wire.ts'

/** A client of a server that gives these replies in turn, the last one forever. */
async function clientOf(...replies: [Reply, ...Reply[]]) {
  const wire = await startWire(() => (replies.length > 1 ? replies.shift() : replies[0]) ?? 'hang')
  return { wire, accounts: createClient({ url: wire.url }) }
}

const UNAVAILABLE = failure(503, 'ServiceUnavailableError', { 'Retry-After': '1' })
const ME: Reply = { status: 200, body: { id: 7 } }

describe('what changes nothing', () => {
  test('GET is sent again after 503, when Retry-After has passed', async () => {
    const { wire, accounts } = await clientOf(UNAVAILABLE, ME)
    const start = Date.now()
    expect(await accounts.getCurrentUser()).toEqual({ id: 7 })
    expect(Date.now() - start).toBeGreaterThanOrEqual(1000)
    expect(wire.calls()).toEqual(['GET /api/v1/users/me', 'GET /api/v1/users/me'])
  })

  test.each<[string, Reply]>([
    ['a connection that breaks', 'disconnect'],
    ['503', failure(503, 'DatabaseError')],
    ['504', failure(504, 'TimeoutError')],
    ['502 of a proxy', { status: 502, body: '<h1>Bad gateway</h1>' }],
  ])('GET is sent three times in all, after %s', async (_, reply) => {
    const { wire, accounts } = await clientOf(reply)
    await expect(accounts.getCurrentUser()).rejects.toBeInstanceOf(ApiError)
    expect(wire.received).toHaveLength(3)
  })

  test.each([400, 401, 403, 404, 500])('GET is sent once, after %i', async (status) => {
    const { wire, accounts } = await clientOf(failure(status, 'NotFoundError'))
    await expect(accounts.getCurrentUser()).rejects.toMatchObject({ status })
    expect(wire.received).toHaveLength(1)
  })
})

describe('what may have changed something', () => {
  test.each<[string, Reply]>([
    ['a connection that breaks', 'disconnect'],
    ['503', failure(503, 'ServiceUnavailableError')],
    ['504', failure(504, 'TimeoutError')],
  ])('POST, PUT and DELETE are sent once, after %s', async (_, reply) => {
    const { wire, accounts } = await clientOf(reply)
    await expect(accounts.loginUser(LOGIN)).rejects.toBeInstanceOf(ApiError)
    await expect(accounts.updateCurrentUser({ full_name: null })).rejects.toBeInstanceOf(ApiError)
    await expect(accounts.endOtherUserSessions()).rejects.toBeInstanceOf(ApiError)
    expect(wire.received).toHaveLength(3)
  })

  test('POST is sent again after 429, which says that nothing was done', async () => {
    const { wire, accounts } = await clientOf(
      failure(429, 'RateLimitError', { 'Retry-After': '1' }),
      { status: 201, body: { id: 7 } },
    )
    const account = { ...LOGIN, email: 'ada@example.com' }
    expect(await accounts.registerUser(account)).toEqual({ id: 7 })
    expect(wire.received.map(({ body }) => JSON.parse(body))).toEqual([account, account])
  })
})

describe('Retry-After', () => {
  test('of more than 10 seconds is not waited for: the error has it', async () => {
    const { wire, accounts } = await clientOf(
      failure(429, 'RateLimitError', { 'Retry-After': '11' }),
    )
    const start = Date.now()
    await expect(accounts.getCurrentUser()).rejects.toMatchObject({
      status: 429,
      error: 'RateLimitError',
      retryAfter: 11,
    })
    expect(Date.now() - start).toBeLessThan(1000)
    expect(wire.received).toHaveLength(1)
  })

  test('may be a date', async () => {
    const date = new Date(Date.now() + 3600_000).toUTCString()
    const { accounts } = await clientOf({ status: 503, headers: { 'Retry-After': date } })
    const error = await accounts.getCurrentUser().catch((thrown) => thrown)
    expect(error.retryAfter).toBeGreaterThan(3590)
    expect(error.retryAfter).toBeLessThanOrEqual(3600)
  })
})

describe('without a response', () => {
  test('a closed port is a NetworkError with status 0 and its cause', async () => {
    const accounts = createClient({ url: 'http://127.0.0.1:1' })
    await expect(accounts.loginUser(LOGIN)).rejects.toMatchObject({
      name: 'ApiError',
      status: 0,
      error: 'NetworkError',
      cause: expect.any(TypeError),
    })
  })

  test('a server that does not respond in time is a TimeoutError with status 0', async () => {
    const { wire, accounts } = await clientOf('hang')
    await expect(accounts.loginUser(LOGIN, { timeout: 50 })).rejects.toMatchObject({
      status: 0,
      error: 'TimeoutError',
    })
    await wire.received[0]?.closed
  })

  test('an abort rejects with the reason of the signal, and closes the connection', async () => {
    const { wire, accounts } = await clientOf('hang')
    const signal = AbortSignal.timeout(50)
    const error = await accounts.getCurrentUser({}, { signal }).catch((thrown) => thrown)
    expect(error).toBe(signal.reason)
    expect(wire.received).toHaveLength(1)
    await wire.received[0]?.closed
  })

  test('an abort ends the wait between two attempts', async () => {
    const { wire, accounts } = await clientOf(
      failure(503, 'DatabaseError', { 'Retry-After': '9' }),
      ME,
    )
    const start = Date.now()
    const signal = AbortSignal.timeout(200)
    const error = await accounts.getCurrentUser({}, { signal }).catch((thrown) => thrown)
    expect(error).toBe(signal.reason)
    expect(Date.now() - start).toBeLessThan(5000)
    expect(wire.received).toHaveLength(1)
  })

  test('a signal that has aborted before sends nothing', async () => {
    const { wire, accounts } = await clientOf(ME)
    const signal = AbortSignal.abort('enough')
    await expect(accounts.getCurrentUser({}, { signal })).rejects.toBe('enough')
    expect(wire.received).toEqual([])
  })
})

describe('the error', () => {
  test('of 422 has the message of each field, and the request id', async () => {
    const errors = [
      { field: 'email', message: 'must be an email address', type: 'invalid_format' },
      { field: 'email', message: 'is too long', type: 'too_big' },
      { field: 'password', message: 'is too short', type: 'too_small' },
    ]
    const { accounts } = await clientOf(failure(422, 'ValidationError', { details: { errors } }))
    await expect(accounts.loginUser(LOGIN)).rejects.toMatchObject({
      status: 422,
      error: 'ValidationError',
      requestId: REQUEST_ID,
      details: { errors },
      fields: { email: 'must be an email address', password: 'is too short' },
    })
  })

  test('of 409 has the message at the field that is taken', async () => {
    const message = 'User with this email already exists'
    const details = { resource: 'User', field: 'email' }
    const { accounts } = await clientOf(failure(409, 'DuplicateRecordError', { message, details }))
    const account = { ...LOGIN, email: 'ada@example.com' }
    await expect(accounts.registerUser(account)).rejects.toMatchObject({
      message,
      fields: { email: message },
    })
  })

  test.each([
    [502, '<h1>Bad gateway</h1>'],
    [200, '<h1>Sign in to the Wi-Fi of this hotel</h1>'],
    [403, '[]'],
  ])('of %i from something else on the way is an UnexpectedResponse', async (status, body) => {
    const headers = { 'X-Request-ID': REQUEST_ID }
    const { accounts } = await clientOf({ status, body, headers })
    await expect(accounts.loginUser(LOGIN)).rejects.toMatchObject({
      status,
      error: 'UnexpectedResponse',
      requestId: REQUEST_ID,
      fields: {},
    })
  })
})

describe('the request', () => {
  test('has path parameters, the query without what is undefined, and the rest in a body', async () => {
    const { wire, accounts } = await clientOf({ status: 200, body: {} })
    await accounts.listUsers({ search: 'a&b', page: undefined, is_active: false })
    await accounts.updateUser({ id: 7, is_active: true })
    await accounts.updateCurrentUser({})
    await accounts.restoreUser({ id: 7 })
    await accounts.listUserSessions()
    expect(wire.received.map(({ call, body }) => `${call} ${body}`.trim())).toEqual([
      'GET /api/v1/admins/users?search=a%26b&is_active=false',
      'PATCH /api/v1/admins/users/7 {"is_active":true}',
      'PUT /api/v1/users/me {}',
      'POST /api/v1/admins/users/7/restore',
      'GET /api/v1/users/me/sessions',
    ])
  })

  test.each([301, 302, 303, 307, 308])(
    'is not sent on to where a %s leads: no password and no token gets there',
    async (status) => {
      const elsewhere = await startWire(() => tokenPair(2))
      const { wire, accounts } = await clientOf(tokenPair(1, { expires_in: 0 }), {
        status,
        headers: { Location: `${elsewhere.url}/api/v1/users/refresh` },
      })
      await accounts.loginUser(LOGIN)
      const rejected = { error: 'UnexpectedResponse', status }
      await expect(accounts.getCurrentUser()).rejects.toMatchObject(rejected)
      await expect(accounts.loginUser(LOGIN)).rejects.toMatchObject(rejected)
      expect(wire.calls().slice(1)).toEqual([
        'POST /api/v1/users/refresh',
        'POST /api/v1/users/login',
      ])
      expect(elsewhere.calls()).toEqual([])
    },
  )

  test.each(['', '.', '..'])('is not sent with the id "%s", which is another path', async (id) => {
    const { wire, accounts } = await clientOf({ status: 204 })
    await expect(accounts.endUserSession({ id })).rejects.toThrow(TypeError)
    await accounts.endUserSession({ id: '../x' })
    expect(wire.calls()).toEqual(['DELETE /api/v1/users/me/sessions/..%2Fx'])
  })

  test('keeps the path of the URL, and has the headers of the call', async () => {
    const { wire } = await clientOf(ME)
    const accounts = createClient({ url: `${wire.url}/accounts/` })
    const headers = { 'X-Bootstrap-Token': 'a secret' }
    await accounts.registerAdmin({ ...LOGIN, email: 'ada@example.com' }, { headers })
    expect(wire.calls()).toEqual(['POST /accounts/api/v1/admins/register'])
    expect(wire.received[0]?.headers).toMatchObject({
      'x-bootstrap-token': 'a secret',
      'content-type': 'application/json',
    })
  })
})
