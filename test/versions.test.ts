import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod/mini'
import { app } from '../src/app.ts'
import { authenticate } from '../src/middleware/authenticate.ts'
import { json } from '../src/middleware/validate.ts'
import { contract, endpoint } from '../src/openapi.ts'
import { rateLimit } from '../src/rate-limit/limit.ts'
import { newUser, PASSWORD } from './setup/accounts.ts'
import { environment, expectError, visitor } from './setup/api.ts'
import { openApiRoutes } from './setup/conformance.ts'
import { expectResponse, TOKEN_PAIR } from './setup/shapes.ts'

const ORIGIN = 'https://app.example.com'

const routes = (await openApiRoutes()).filter((route) => route.includes(' /api/'))

const versioned = (path: string) => path.replace('/api/', '/api/v1/')

afterEach(() => vi.restoreAllMocks())

describe('a path under /api/ is the same under /api/v1/', () => {
  test('for each operation, whose error names the path that was requested', async () => {
    expect(routes.length).toBeGreaterThan(30)
    const caller = visitor()
    for (const route of routes) {
      const [method = '', template = ''] = route.split(' ')
      const path = template.replace('{id}', '7')
      const call = (path: string) => caller.call(method.toUpperCase(), path, undefined)
      const [old, current] = [await call(path), await call(versioned(path))]
      const { status, body } = current
      expect(status, route).toBeOneOf([401, 415])
      expect(body.path).toBe(versioned(path))
      const differing = { path, timestamp: old.body.timestamp, request_id: old.body.request_id }
      expect({ status: old.status, body: old.body }).toEqual({
        status,
        body: { ...body, ...differing },
      })
    }
  })

  test('for 404, 405, OPTIONS and preflight requests', async () => {
    const { call, get } = visitor()
    expectError(
      await get('/api/v1/users/nothing'),
      404,
      'NotFoundError',
      "The requested resource '/api/v1/users/nothing' was not found",
    )
    const headers = { Origin: ORIGIN, 'Access-Control-Request-Method': 'PUT' }
    for (const path of ['/api/users/me', '/api/v1/users/me']) {
      const wrong = await call('PATCH', path)
      expectError(wrong, 405, 'MethodNotAllowedError')
      expect(wrong.headers.get('Allow')).toBe('GET, HEAD, PUT, DELETE, OPTIONS')
      expect(await call('OPTIONS', path)).toMatchObject({ status: 204, text: '' })
      const preflight = await call('OPTIONS', path, undefined, { headers })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
    }
  })

  test('for limits: what is spent under one counts under the other', async () => {
    const { get, post } = visitor({ env: environment({ RATE_LIMIT_PER_HOUR: '4' }) })
    const left = async (path: string) => {
      const response = await post(path, { username: 'nobody', password: PASSWORD })
      expectError(response, 401, 'AuthenticationError')
      return response.headers.get('RateLimit')?.replaceAll(/;t=\d+/g, '')
    }
    expect(await left('/api/users/login')).toBe('"api";r=3, "login";r=29')
    expect(await left('/api/v1/users/login')).toBe('"api";r=2, "login";r=28')
    expect(await left('/api/users/login')).toBe('"api";r=1, "login";r=27')
    expect(await left('/api/v1/users/login')).toBe('"api";r=0, "login";r=26')
    const { access_token: token } = await newUser()
    for (const path of ['/api/users/me', '/api/v1/users/me']) {
      expectError(await get(path, { token }), 429, 'RateLimitError')
    }
  })

  test('for sessions: each refreshes tokens and cookies of the other', async () => {
    const { caller, username, refresh_token } = await newUser()
    const pair = await caller.post('/api/v1/users/refresh', { refresh_token })
    expectResponse(pair, 200, TOKEN_PAIR)
    const again = await caller.post('/api/users/refresh', {
      refresh_token: pair.body.refresh_token,
    })
    expectResponse(again, 200, TOKEN_PAIR)

    const headers = { Origin: ORIGIN, 'X-Refresh-Token': 'cookie' }
    const credentials = { username, password: PASSWORD }
    const login = await caller.post('/api/v1/users/login', credentials, { headers })
    const [cookie = '', ...attributes] = login.headers.get('Set-Cookie')?.split('; ') ?? []
    expect(cookie).toMatch(/^__Host-refresh_users=./)
    expect(attributes).toContain('Path=/')
    for (const path of ['/api/users/refresh', '/api/v1/users/refresh']) {
      const refreshed = await caller.post(path, {}, { headers: { ...headers, Cookie: cookie } })
      expect(refreshed.status, path).toBe(200)
    }
  })

  test('for the log, whose routes have no version', async () => {
    const log = vi.spyOn(console, 'log')
    const { get } = visitor()
    await get('/api/v1/admins/users/7')
    await get('/api/v1/nothing')
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)))
    const requests = lines.filter(({ event }) => event === 'request')
    expect(requests.map(({ route, status }) => [route, status])).toEqual([
      ['/api/admins/users/:id', 401],
      ['/*', 404],
    ])
  })
})

test.each([
  ...['/api/v1', '/api/v1/', '/api/v2/users/me', '/api/v10/users/me', '/api/v1.0/users/me'],
  ...['/api/V1/users/me', '/API/v1/users/me', '/v1/users/me', '/api/v1/api/users/me'],
  ...['/api/v1/v1/users/me', '/api//v1/users/me', '/api/v1//users/me', '//api/v1/users/me'],
  ...['/api/v1/users/me/', '/api/v1/health', '/api/v1/docs', '/api/v1/openapi.json', '/v1/health'],
  ...['/api/v1%2Fusers/me', '/api%2Fv1/users/me', '/health/api/v1/users/me'],
])('GET %s returns 404', async (path) => {
  const { access_token: token } = await signedIn
  const response = await visitor({ token }).get(path)
  expectError(response, 404, 'NotFoundError', `The requested resource '${path}' was not found`)
})

const signedIn = newUser()

test('API-Version is 1 on every response of the API, whatever its status, and on no other', async () => {
  const { call, get, post } = visitor()
  const raw = `"${'a'.repeat(16 * 1024)}"`
  const headers = { 'Content-Type': 'application/json' }
  const large = await call('POST', '/api/v1/users/login', undefined, { raw, headers })
  const unconfigured = visitor({ env: environment({ SECRET_KEY: 'short' }) })
  const responses = [
    [await get('/api/users/me', { token: (await signedIn).access_token }), 200],
    [await call('OPTIONS', '/api/users/me'), 204],
    [await get('/api/v2/users/me'), 404],
    [large, 413],
    [await post('/api/v1/users/login', {}), 422],
    [await unconfigured.get('/api/v1/users/me'), 503],
  ] as const
  for (const [{ status, headers }, expected] of responses) {
    expect([status, headers.get('API-Version')]).toEqual([expected, '1'])
  }
  for (const path of ['/', '/health', '/docs', '/nothing', '/api', '/.well-known/jwks.json']) {
    expect((await get(path)).headers.get('API-Version'), path).toBeNull()
  }
})

/** Other tests share the app, and look at its routes. */
const routesOfProduct = app.routes.length
afterAll(() => app.routes.splice(routesOfProduct))

/** Not part of the product, which has deprecated nothing yet. */
app.post(
  '/api/deprecated',
  ...endpoint(
    contract({
      operationId: 'doAsBefore',
      summary: 'Do it as before',
      deprecated: {
        since: '2026-12-01',
        sunset: '2027-06-30',
        link: 'https://accounts.example.com/changes#do',
      },
      responses: { 200: { description: 'Done' } },
    }),
    authenticate('user'),
    json(z.object({ times: z.number() })),
    async (c) => {
      await rateLimit(c)
      if (c.req.valid('json').times > 1) throw new RangeError('too often')
      return c.json({ done: true })
    },
  ),
)

test('a deprecated operation says so on every response, in Deprecation, Sunset and Link', async () => {
  const { access_token: token } = await signedIn
  const env = environment({ RATE_LIMIT_PER_HOUR: '2' })
  const { call, post } = visitor({ env, token })
  const raw = `"${'a'.repeat(16 * 1024)}"`
  const responses = [
    [await post('/api/deprecated', { times: 1 }), 200],
    [await post('/api/v1/deprecated', { times: 2 }), 500],
    [await post('/api/v1/deprecated', { times: 1 }), 429],
    [await post('/api/v1/deprecated', {}), 422],
    [await post('/api/v1/deprecated', {}, { token: 'garbage' }), 401],
    [await call('POST', '/api/deprecated', undefined, { raw }), 413],
    [await visitor({ env: environment({ SECRET_KEY: '' }) }).post('/api/deprecated'), 503],
  ] as const
  for (const [{ status, headers }, expected] of responses) {
    expect([status, ...['Deprecation', 'Sunset', 'Link'].map((name) => headers.get(name))]).toEqual(
      [
        expected,
        '@1796083200', // 2026-12-01
        'Wed, 30 Jun 2027 00:00:00 GMT',
        '<https://accounts.example.com/changes#do>; rel="deprecation"; type="text/html"',
      ],
    )
  }
  const other = await call('GET', '/api/users/me')
  for (const name of ['Deprecation', 'Sunset', 'Link']) expect(other.headers.get(name)).toBeNull()
})

test('other origins may read the version and what is deprecated', async () => {
  const response = await visitor().get('/api/v1/users/me', { headers: { Origin: ORIGIN } })
  const exposed = response.headers.get('Access-Control-Expose-Headers')?.split(',')
  expect(exposed).toEqual(expect.arrayContaining(['API-Version', 'Deprecation', 'Sunset', 'Link']))
})
