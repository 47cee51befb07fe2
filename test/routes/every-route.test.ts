import { beforeAll, describe, expect, inject, test } from 'vitest'
import { newAdmin, newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, type Visitor, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { openLane } from '../setup/lanes.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'

const { paths } = await openApi()

const documented = Object.entries(paths).flatMap(([template, operations]) =>
  Object.keys(operations).map((method) => `${method.toUpperCase()} ${template}`),
)

/** A valid body for each call, so that a call is not rejected for its body. */
const BODIES: Record<string, object> = {
  'POST /api/users/register': { username: 'ada', email: 'ada@example.com', password: PASSWORD },
  'POST /api/users/login': { username: 'nobody', password: PASSWORD },
  'POST /api/users/change-password': { current_password: PASSWORD, new_password: 'another horse' },
  'PUT /api/users/me': { full_name: 'Ada' },
  'DELETE /api/users/me': { password: PASSWORD },
  'POST /api/admins/register': { username: 'ada', email: 'ada@example.com', password: PASSWORD },
  'POST /api/admins/login': { username: 'nobody', password: PASSWORD },
  'POST /api/admins/change-password': { current_password: PASSWORD, new_password: 'another horse' },
  'POST /api/admins/forgot-password': { email: 'nobody@example.com' },
  'PATCH /api/admins/users/{id}': { full_name: 'Ada' },
  'POST /api/password/forgot-password': { email: 'nobody@example.com' },
  'POST /api/password/test-email': { to_email: 'nobody@example.com' },
}

const isProtected = (route: string) =>
  /\/me\b|users\/\{id\}|change-password|audit|test-email|admins\/(users|register)/.test(route)

const isForAdmins = (route: string) => /admins|test-email/.test(route)

const isApi = (route: string) => route.includes('/api/')

let tokens: { user: string; admin: string }

beforeAll(async () => {
  const [user, admin] = [await newUser(), await newAdmin({ superadmin: true })]
  tokens = { user: user.access_token, admin: admin.access_token }
  for (const call of ['refresh', 'logout']) {
    BODIES[`POST /api/users/${call}`] = { refresh_token: user.refresh_token }
    BODIES[`POST /api/admins/${call}`] = { refresh_token: admin.refresh_token }
  }
  const new_password = 'another horse'
  const resets = {
    '/api/password': await resetTokenOf(user.id),
    '/api/admins': await resetTokenOf(admin.id, 60, 'admin'),
  }
  for (const [path, token] of Object.entries(resets)) {
    BODIES[`POST ${path}/reset-password`] = { token, new_password }
    BODIES[`POST ${path}/reset-password/check`] = { token }
  }
})

/** Makes one of the documented calls, with a valid body. */
function make(caller: Visitor, route: string, options: { token?: string } = {}) {
  const [method = '', template = ''] = route.split(' ')
  const id = template.includes('sessions/{id}') ? crypto.randomUUID() : '2147483647'
  return caller.call(method, template.replace('{id}', id), BODIES[route], options)
}

const ownToken = (route: string) => (isForAdmins(route) ? tokens.admin : tokens.user)

test.each(documented.filter(isProtected))(
  '%s returns 401 with a challenge without a valid token, and 403 for the other account type',
  async (route) => {
    const caller = visitor()
    expectUnauthenticated(await make(caller, route))
    expectUnauthenticated(await make(caller, route, { token: 'garbage' }))
    const [other, who] = isForAdmins(route) ? [tokens.user, 'an admin'] : [tokens.admin, 'a user']
    const message = `This needs the token of ${who}`
    expectError(await make(caller, route, { token: other }), 403, 'AuthorizationError', message)
  },
)

describe('once the quota of an address is spent', () => {
  const env = environment({ RATE_LIMIT_PER_HOUR: '1' })

  test.each(documented.filter(isApi))(
    '%s returns 429 with a Retry-After that agrees with the RateLimit headers',
    async (route) => {
      const caller = visitor({ env })
      await make(caller, 'GET /api/users/me', { token: tokens.user })
      const response = await make(caller, route, { token: ownToken(route) })
      expectError(response, 429, 'RateLimitError', 'Too many requests, please try again later')
      const wait = Number(response.headers.get('Retry-After'))
      expect(wait).toBeGreaterThan(0)
      expect(response.body.details).toEqual({ retry_after: wait })
      expect(response.headers.get('RateLimit')).toMatch(new RegExp(`^"api";r=0;t=${wait}(, |$)`))
      expect(response.headers.get('RateLimit-Policy')).toMatch(/^"api";q=1;w=3600(, |$)/)
    },
  )

  // GET /metrics has a token of its own: test/routes/system/metrics.test.ts.
  const free = documented.filter((route) => !isApi(route) && route !== 'GET /metrics')
  test.each(free)('%s returns 200', async (route) => {
    const caller = visitor({ env })
    await make(caller, 'GET /api/users/me', { token: tokens.user })
    expect((await make(caller, route)).status).toBe(200)
  })
})

test('every call that needs the database returns 503 DatabaseError during an outage', async () => {
  const neon = await openLane(inject('world').faultProxyUrl, 'neon')
  await neon.fault({ kind: 'disconnect' })
  const caller = visitor({ env: environment({ NEON_HTTP_URL: neon.url }) })
  const routes = documented.filter((route) => isApi(route) && !route.endsWith('forgot-password'))
  await Promise.all(
    routes.map(async (route) => {
      const response = await make(caller, route, { token: ownToken(route) })
      const message = 'The database is not available, please try again'
      expectError(response, 503, 'DatabaseError', message)
      expect(Number(response.headers.get('Retry-After'))).toBeGreaterThanOrEqual(2)
    }),
  )
  for (const path of ['/api/password', '/api/admins']) {
    expect((await make(caller, `POST ${path}/forgot-password`)).status).toBe(200)
  }
  await neon.close()
})
