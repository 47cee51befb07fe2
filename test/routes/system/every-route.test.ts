import { beforeAll, describe, expect, inject, test } from 'vitest'
import { app } from '../../../src/app.ts'
import { newAdmin, newUser, PASSWORD } from '../../setup/accounts.ts'
import { environment, expectError, type Visitor, visitor } from '../../setup/api.ts'
import { openApi } from '../../setup/conformance.ts'
import { openLane } from '../../setup/lanes.ts'
import { resetTokenOf } from '../../setup/reset-token.ts'
import { expectInvalid, expectUnauthenticated } from '../../setup/shapes.ts'

const { paths } = await openApi()

const documented = Object.entries(paths).flatMap(([template, operations]) =>
  Object.keys(operations).map((method) => `${method.toUpperCase()} ${template}`),
)

/** A body that each call takes: without one, what is refused would be refused for its body. */
const BODIES: Record<string, object> = {
  'POST /api/users/register': { username: 'ada', email: 'ada@example.com', password: PASSWORD },
  'POST /api/users/login': { username: 'nobody', password: PASSWORD },
  'POST /api/users/change-password': { current_password: PASSWORD, new_password: 'another horse' },
  'PUT /api/users/me': { full_name: 'Ada' },
  'DELETE /api/users/me': { password: PASSWORD },
  'POST /api/admins/register': { username: 'ada', email: 'ada@example.com', password: PASSWORD },
  'POST /api/admins/login': { username: 'nobody', password: PASSWORD },
  'POST /api/admins/change-password': { current_password: PASSWORD, new_password: 'another horse' },
  'PATCH /api/admins/users/{id}': { full_name: 'Ada' },
  'POST /api/password/forgot-password': { email: 'nobody@example.com' },
  'POST /api/password/test-email': { to_email: 'nobody@example.com' },
}

const isProtected = (route: string) =>
  /\/me|users\/\{id\}|change-password|audit|test-email|admins\/(users|register)/.test(route)

const isForAdmins = (route: string) => /admins|test-email/.test(route)

const takesBody = (route: string) =>
  /^(POST|PUT|PATCH) (?!.*restore)/.test(route) || route === 'DELETE /api/users/me'

const isApi = (route: string) => route.includes('/api/')

let tokens: Record<'user' | 'admin' | 'endedUser' | 'endedAdmin', string>

beforeAll(async () => {
  const [user, admin] = [await newUser(), await newAdmin({ superadmin: true })]
  const [endedUser, endedAdmin] = [await newUser(), await newAdmin()]
  const { refresh_token } = endedUser
  await endedUser.caller.post('/api/users/logout', { refresh_token })
  await endedAdmin.caller.post('/api/admins/logout', { refresh_token: endedAdmin.refresh_token })
  tokens = {
    user: user.access_token,
    admin: admin.access_token,
    endedUser: endedUser.access_token,
    endedAdmin: endedAdmin.access_token,
  }
  for (const act of ['refresh', 'logout']) {
    BODIES[`POST /api/users/${act}`] = { refresh_token: user.refresh_token }
    BODIES[`POST /api/admins/${act}`] = { refresh_token: admin.refresh_token }
  }
  BODIES['POST /api/password/reset-password'] = {
    token: await resetTokenOf(user.id),
    new_password: 'another horse',
  }
})

type Sent = { token?: string; raw?: string; headers?: Record<string, string> }

/** Makes one of the documented calls, by default with the body it takes. */
function make(caller: Visitor, route: string, options: Sent = {}) {
  const [method = '', template = ''] = route.split(' ')
  const id = template.includes('sessions/{id}') ? crypto.randomUUID() : '2147483647'
  const body = options.raw === undefined ? BODIES[route] : undefined
  return caller.call(method, template.replace('{id}', id), body, options)
}

const ownToken = (route: string) => (isForAdmins(route) ? tokens.admin : tokens.user)

describe('the OpenAPI document', () => {
  test('tells of every mounted route, and of no other', () => {
    const mounted = app.routes
      .filter(({ method, path }) => method !== 'ALL' && path !== '/assets/*')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    expect(documented.toSorted()).toEqual([...new Set(mounted)].toSorted())
  })

  test('gives each operation a summary, an id of its own, examples of errors, and schemas that exist', async () => {
    const text = JSON.stringify(await openApi())
    const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(documented.length)
    expect(text.match(/"summary":"/g)?.length).toBeGreaterThanOrEqual(documented.length)
    const { components } = await openApi()
    for (const [, name = ''] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) {
      expect(components.schemas).toHaveProperty(name)
    }
    for (const route of documented) {
      const [method = '', template = ''] = route.split(' ')
      const answers = paths[template]?.[method.toLowerCase()]?.responses ?? {}
      for (const [status, answer] of Object.entries(answers)) {
        if (Number(status) < 400 || template === '/health') continue
        expect([route, status, JSON.stringify(answer)]).toEqual([
          route,
          status,
          expect.stringMatching(
            /"examples":\{.+#\/components\/schemas\/Error"|Error"\}.*"examples"/,
          ),
        ])
      }
    }
  })
})

test.each(documented.filter(isProtected))(
  '%s: 401 without a token or with an ended session, 403 with one of the other kind',
  async (route) => {
    const caller = visitor()
    expectUnauthenticated(await make(caller, route))
    expectUnauthenticated(await make(caller, route, { token: 'garbage' }))
    const forAdmins = isForAdmins(route)
    const ended = forAdmins ? tokens.endedAdmin : tokens.endedUser
    expectUnauthenticated(await make(caller, route, { token: ended }))
    const other = await make(caller, route, { token: forAdmins ? tokens.user : tokens.admin })
    const who = forAdmins ? 'an admin' : 'a user'
    expectError(other, 403, 'AuthorizationError', `This needs the token of ${who}`)
  },
)

test.each(documented.filter(takesBody))(
  '%s: 413 for a large body, 415 for what is not JSON, 422 for broken JSON',
  async (route) => {
    const caller = visitor()
    const raw = (text: string, type = 'application/json') =>
      make(caller, route, { token: ownToken(route), raw: text, headers: { 'Content-Type': type } })

    const large = await raw(`{"a":"${'a'.repeat(16 * 1024)}"}`)
    expectError(large, 413, 'PayloadTooLargeError', 'The request body is larger than 16 KiB')
    const form = await raw('a=b', 'application/x-www-form-urlencoded')
    expectError(form, 415, 'UnsupportedMediaTypeError', 'The body must be application/json')
    for (const broken of ['{', '', '{"a":1,"a":2}', '['.repeat(10_000)]) {
      const answer = await raw(broken)
      expectInvalid(answer, 'body')
      expect(answer.body.details.errors[0].type).toBe('json_invalid')
    }
    expectInvalid(await raw('null'), 'body')
  },
)

describe('once the quota of an address is spent', () => {
  const env = environment({ RATE_LIMIT_PER_HOUR: '1' })

  test.each(documented.filter(isApi))(
    '%s: 429 with Retry-After and agreeing headers',
    async (route) => {
      const caller = visitor({ env })
      await make(caller, 'GET /api/users/me', { token: tokens.user })
      const answer = await make(caller, route, { token: ownToken(route) })
      expectError(answer, 429, 'RateLimitError', 'Too many requests, please try again later')
      const wait = Number(answer.headers.get('Retry-After'))
      expect(wait).toBeGreaterThan(0)
      expect(answer.body.details).toEqual({ retry_after: wait })
      expect(answer.headers.get('RateLimit')).toMatch(new RegExp(`^"api";r=0;t=${wait}(, |$)`))
      expect(answer.headers.get('RateLimit-Policy')).toMatch(/^"api";q=1;w=3600(, |$)/)
    },
  )

  test.each(documented.filter((route) => !isApi(route)))('%s is free of it', async (route) => {
    const caller = visitor({ env })
    await make(caller, 'GET /api/users/me', { token: tokens.user })
    expect((await make(caller, route)).status).toBe(200)
  })
})

test('every call that needs the database answers 503 DatabaseError when it is away', async () => {
  const neon = await openLane(inject('world').faultProxyUrl, 'neon')
  await neon.fault({ kind: 'refuse' })
  const caller = visitor({ env: environment({ NEON_HTTP_URL: neon.url }) })
  const routes = documented.filter((route) => isApi(route) && !route.endsWith('forgot-password'))
  await Promise.all(
    routes.map(async (route) => {
      const answer = await make(caller, route, { token: ownToken(route) })
      const message = 'The database is not available, please try again'
      expectError(answer, 503, 'DatabaseError', message)
      expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThanOrEqual(2)
    }),
  )
  expect((await make(caller, 'POST /api/password/forgot-password')).status).toBe(200)
  await neon.close()
})
