import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { signAccessToken } from '../../src/tokens/access.ts'
import {
  freshName,
  logIn,
  newAdmin,
  newcomer,
  newUser,
  PASSWORD,
  type Tokens,
} from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { openApiRoutes } from '../setup/conformance.ts'
import { sql } from '../setup/database.ts'
import { resourcesOf } from './attack.ts'
import { type AccountType, getMe } from './calls.ts'

const CALLERS = ['none', 'user', 'admin', 'superadmin', 'expired', 'revoked'] as const
type Caller = (typeof CALLERS)[number]
type Rule = Record<Caller, number>

const rule = (none: number, user: number, admin: number, superadmin: number): Rule => ({
  ...{ none, user, admin, superadmin },
  ...{ expired: 401, revoked: 401 },
})

const USERS_ONLY = (status: number) => rule(401, status, 403, 403)
const ADMINS = (status: number) => rule(401, 403, status, status)

/** Never 401 or 403, whoever calls. */
const PUBLIC = [
  ...['get /', 'get /health', 'get /health/live', 'get /.well-known/jwks.json'],
  ...['get /docs', 'get /redoc', 'get /openapi.json'],
  ...['get /reset-password', 'get /forgot-password'],
  ...['post /api/users/login', 'post /api/users/refresh', 'post /api/users/logout'],
  ...['post /api/admins/login', 'post /api/admins/refresh', 'post /api/admins/logout'],
  ...['post /api/users/register'],
  ...['post /api/password/forgot-password', 'post /api/password/reset-password'],
  ...['post /api/admins/forgot-password', 'post /api/admins/reset-password'],
  ...['post /api/password/reset-password/check', 'post /api/admins/reset-password/check'],
]

/** The status that each type of caller gets from every other route of the OpenAPI document. */
const RULES: Record<string, Rule> = {
  // Nobody gets it by an access token; without METRICS_TOKEN there is none.
  'get /metrics': { ...rule(404, 404, 404, 404), expired: 404, revoked: 404 },
  'post /api/users/change-password': USERS_ONLY(400),
  'get /api/users/me': USERS_ONLY(200),
  'put /api/users/me': USERS_ONLY(200),
  'delete /api/users/me': USERS_ONLY(204),
  'get /api/users/me/export': USERS_ONLY(200),
  'get /api/users/me/sessions': USERS_ONLY(200),
  'delete /api/users/me/sessions': USERS_ONLY(204),
  'delete /api/users/me/sessions/{id}': USERS_ONLY(404),
  'post /api/admins/register': rule(401, 403, 403, 201),
  'post /api/admins/change-password': ADMINS(400),
  'get /api/admins/me': ADMINS(200),
  'get /api/admins/me/sessions': ADMINS(200),
  'delete /api/admins/me/sessions': ADMINS(204),
  'delete /api/admins/me/sessions/{id}': ADMINS(404),
  'get /api/admins/users': ADMINS(200),
  'get /api/admins/users/{id}': ADMINS(200),
  'patch /api/admins/users/{id}': ADMINS(200),
  'delete /api/admins/users/{id}': ADMINS(204),
  'post /api/admins/users/{id}/restore': ADMINS(200),
  'delete /api/admins/users/{id}/sessions': ADMINS(204),
  'get /api/admins/audit': rule(401, 403, 403, 200),
  'post /api/password/test-email': ADMINS(200),
}

const routes = await openApiRoutes()

const [victim, user, doomed] = [await newUser(), await newUser(), await newUser()]
const [admin, superadmin] = [await newAdmin(), await newAdmin({ superadmin: true })]

async function logOut(type: AccountType, tokens: Tokens) {
  const { refresh_token } = tokens
  await visitor().post(`/api/${type}/logout`, { refresh_token })
  return tokens
}
const loggedOut = await logOut('users', await newUser())
const loggedOutAdmin = await logOut('admins', await newAdmin({ superadmin: true }))

/** A token of a valid session that expired a quarter of an hour ago. */
function expired(kind: 'user' | 'admin'): Promise<string> {
  const { access_token } = kind === 'user' ? user : superadmin
  const { id, sid } = decodeJwt<{ id: number; sid: string }>(access_token)
  const { keys, config } = resourcesOf()
  const claims = { kind, accountId: id, sessionId: sid, role: 'superadmin' } as const
  const { issuer } = config
  return signAccessToken(claims, { keys, issuer, now: Date.now() - 30 * 60_000, ttl: 900 })
}

/** Expired and revoked tokens are of the account type that the route is for. */
async function tokenOf(caller: Caller, route: string): Promise<string | undefined> {
  const forUsers = route.includes('/api/users')
  const tokens: Record<Caller, string | undefined> = {
    none: undefined,
    user: (route === 'delete /api/users/me' ? doomed : user).access_token,
    admin: admin.access_token,
    superadmin: superadmin.access_token,
    expired: await expired(forUsers ? 'user' : 'admin'),
    revoked: (forUsers ? loggedOut : loggedOutAdmin).access_token,
  }
  return tokens[caller]
}

test('20 (API5:2023): every route of the OpenAPI document has a rule, and every rule a route', () => {
  expect(routes.toSorted()).toEqual([...PUBLIC, ...Object.keys(RULES)].toSorted())
})

/** A valid body: only the caller can be the reason for an error. */
function bodyOf(route: string): unknown {
  if (route.endsWith('/change-password')) {
    return { current_password: PASSWORD, new_password: PASSWORD }
  }
  if (route === 'post /api/admins/register') return { ...newcomer(), is_superadmin: true }
  if (route === 'delete /api/users/me') return { password: PASSWORD }
  if (route === 'post /api/password/test-email') return { to_email: 'somebody@example.com' }
  return /^(?:post|put|patch) /.test(route) ? {} : undefined
}

test.each(routes)(
  '20 (API5:2023): %s has the status of its rule for every caller',
  async (route) => {
    const [method = '', template = ''] = route.split(' ')
    const id = template.includes('/sessions/') ? crypto.randomUUID() : victim.id
    const path = template.replace('{id}', String(id))
    const statuses: Record<string, number> = {}
    for (const caller of CALLERS) {
      await sql('update users set deleted_at = null where id = $1', [victim.id])
      const token = await tokenOf(caller, route)
      const response = await visitor().call(method.toUpperCase(), path, bodyOf(route), { token })
      statuses[caller] = response.status
    }
    if (!PUBLIC.includes(route)) expect(statuses).toEqual(RULES[route])
    else for (const status of Object.values(statuses)) expect([200, 204, 422]).toContain(status)
  },
)

test('20: erasing a user is for superadmins: nobody else learns whether there is one', async () => {
  const { id } = await newUser()
  await sql('update users set deleted_at = now() where id = $1', [id])
  for (const target of [id, 2_147_483_647]) {
    const path = `/api/admins/users/${target}?erase=true`
    for (const [token, status] of [
      [undefined, 401],
      [user.access_token, 403],
      [admin.access_token, 403],
      [loggedOutAdmin.access_token, 401],
    ] as const) {
      expect((await visitor().delete(path, undefined, { token })).status).toBe(status)
    }
  }
  expect(await rowOf(id)).toBeDefined()
})

test('20: a path without a route is 404, with and without a token', async () => {
  for (const path of ['/api', '/api/admins', '/api/admins/roles', '/api/users/1', '/admin']) {
    for (const token of [undefined, superadmin.access_token]) {
      expectError(await visitor().get(path, { token }), 404, 'NotFoundError')
    }
  }
})

/** Fields that would give the caller another identity or more rights. */
const IDENTITY = {
  ...{ id: 1, user_id: 1, sub: 'user:1', role: 'superadmin', kind: 'admin' },
  ...{ is_superuser: true, is_superadmin: true, is_active: false, email_verified: true },
  ...{ created_at: '1999-01-01T00:00:00Z', deleted_at: null, session_epoch: 99 },
  ...{ kept_session: null, hashed_password: '$2b$10$x', password_hash: 'x' },
  constructor: { prototype: { id: 1 } },
}

/** Options that send the fields as JSON; an object literal cannot have the key `__proto__`. */
const withIdentity = (fields: Record<string, unknown>) => ({
  headers: { 'Content-Type': 'application/json' },
  raw: JSON.stringify({ ...IDENTITY, ...fields }).replace(
    '{',
    '{"__proto__":{"is_superuser":true},',
  ),
})

const rowOf = async (id: number) => (await sql('select * from users where id = $1', [id]))[0]

test('21 (CVE-2025-61928, API3:2023): identity fields in a body change nothing', async () => {
  const username = freshName()
  const fields = withIdentity(newcomer(username))
  const { status, body } = await visitor().post('/api/users/register', undefined, fields)
  expect({ status, body }).toMatchObject({
    status: 201,
    body: { is_superuser: false, is_active: true, created_at: expect.not.stringContaining('1999') },
  })
  expect(body.id).not.toBe(1)

  const { access_token: token } = await logIn(visitor(), username)
  const before = await rowOf(body.id)
  const put = await visitor({ token }).put(
    '/api/users/me',
    undefined,
    withIdentity({ full_name: 'Ada' }),
  )
  expect(put.body).toEqual({ ...body, full_name: 'Ada', updated_at: put.body.updated_at })
  const after = await rowOf(body.id)
  expect(after).toEqual({ ...before, full_name: 'Ada', updated_at: after?.['updated_at'] })
  expect(({} as Record<string, unknown>)['is_superuser']).toBeUndefined()

  const patched = await visitor({ token: admin.access_token }).patch(
    `/api/admins/users/${body.id}`,
    undefined,
    withIdentity({ is_active: true, is_superuser: undefined, full_name: 'Ada' }),
  )
  expect(patched.status).toBe(200)
  const last = await rowOf(body.id)
  expect(last).toEqual({ ...after, updated_at: last?.['updated_at'] })
})

test('21: a superuser is 403 at the admins’ API, and an admin who raises a user is 403', async () => {
  const { id, username } = await newUser()
  await sql('update users set is_superuser = true where id = $1', [id])
  const { access_token: token } = await logIn(visitor(), username)
  expect(decodeJwt(token)['role']).toBe('superuser')
  expectError(await visitor({ token }).get('/api/admins/users'), 403, 'AuthorizationError')

  const raised = await visitor({ token: admin.access_token }).patch(
    `/api/admins/users/${victim.id}`,
    { is_superuser: true, full_name: 'Raised' },
  )
  expectError(raised, 403, 'AuthorizationError')
  expect(await rowOf(victim.id)).toMatchObject({ is_superuser: false, full_name: null })
})

test('21: no response contains a password hash', async () => {
  const hash = String((await rowOf(user.id))?.['hashed_password'])
  const byUser = visitor({ token: user.access_token })
  const byAdmin = visitor({ token: superadmin.access_token })
  const responses = [
    await byUser.get('/api/users/me'),
    await byUser.get('/api/users/me/sessions'),
    await byUser.get('/api/users/me/export'),
    await byAdmin.get('/api/admins/users?page_size=100'),
    await byAdmin.get(`/api/admins/users/${user.id}`),
    await byAdmin.get('/api/admins/audit'),
  ]
  for (const { status, text } of responses) {
    expect(status).toBe(200)
    expect(text).not.toContain(hash)
    expect(text).not.toMatch(/\$2[aby]\$|hashed_password|session_epoch/)
  }
})

test('21: a user who ends the session of another user is 404, and the session stays valid', async () => {
  const { access_token } = await newUser()
  const path = `/api/users/me/sessions/${decodeJwt(access_token)['sid']}`
  const byOther = visitor({ token: user.access_token })
  expectError(await byOther.delete(path), 404, 'NotFoundError')
  expect((await getMe(access_token)).status).toBe(200)
})
