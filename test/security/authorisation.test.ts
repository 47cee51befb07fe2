import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { signAccessToken } from '../../src/security/access-token.ts'
import { freshName, logIn, newAdmin, newUser, PASSWORD, type Tokens } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { openApi } from '../setup/conformance.ts'
import { sql } from '../setup/database.ts'
import { resourcesOf } from './attack.ts'

/** Kinds of callers. The last two are admins, for whom most doors would be open. */
const CALLERS = ['none', 'user', 'admin', 'superadmin', 'expired', 'revoked'] as const

type Caller = (typeof CALLERS)[number]

type Rule = Record<Caller, number>

/** For anybody: whatever is answered, it is never that the caller may not. */
const PUBLIC = 'public'

const rule = (none: number, user: number, admin: number, superadmin: number): Rule => ({
  ...{ none, user, admin, superadmin },
  ...{ expired: 401, revoked: 401 },
})

const USERS_ONLY = (status: number) => rule(401, status, 403, 403)
const ADMINS = (status: number) => rule(401, 403, status, status)

/** Who may do what: every route of the OpenAPI document, by what it answers to each kind of caller. */
const RULES: Record<string, Rule | typeof PUBLIC> = {
  'get /': PUBLIC,
  'get /health': PUBLIC,
  'get /health/live': PUBLIC,
  'get /.well-known/jwks.json': PUBLIC,
  'get /docs': PUBLIC,
  'get /redoc': PUBLIC,
  'get /openapi.json': PUBLIC,
  'get /reset-password': PUBLIC,
  'post /api/users/register': PUBLIC,
  'post /api/users/login': PUBLIC,
  'post /api/users/refresh': PUBLIC,
  'post /api/users/logout': PUBLIC,
  'post /api/admins/login': PUBLIC,
  'post /api/admins/refresh': PUBLIC,
  'post /api/admins/logout': PUBLIC,
  'post /api/password/forgot-password': PUBLIC,
  'post /api/password/reset-password': PUBLIC,
  'post /api/users/change-password': USERS_ONLY(400),
  'get /api/users/me': USERS_ONLY(200),
  'put /api/users/me': USERS_ONLY(200),
  'delete /api/users/me': USERS_ONLY(204),
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

const { paths } = await openApi()
const routes = Object.entries(paths).flatMap(([path, operations]) =>
  Object.keys(operations).map((method) => `${method} ${path}`),
)

const [victim, user, doomed, leaver] = await Promise.all(Array.from({ length: 4 }, () => newUser()))
const [admin, superadmin, leavingAdmin] = [
  await newAdmin(),
  await newAdmin({ superadmin: true }),
  await newAdmin({ superadmin: true }),
]
if (!victim || !user || !doomed || !leaver) throw new Error('No users')
const logout = (kind: 'users' | 'admins', { refresh_token }: Tokens) =>
  visitor().post(`/api/${kind}/logout`, { refresh_token })
await Promise.all([logout('users', leaver), logout('admins', leavingAdmin)])

/** A token of a session that still counts, which expired a quarter of an hour ago. */
function expired(kind: 'user' | 'admin', { access_token }: Tokens): Promise<string> {
  const { id, sid } = decodeJwt<{ id: number; sid: string }>(access_token)
  const { keys, config } = resourcesOf()
  const claims = { kind, accountId: id, sessionId: sid, role: 'superadmin' } as const
  const { issuer } = config
  return signAccessToken(claims, { keys, issuer, now: Date.now() - 30 * 60_000, ttl: 900 })
}

/** Expired and revoked ones are of the kind that the route is for: nothing else speaks against them. */
async function tokenOf(caller: Caller, route: string): Promise<string | undefined> {
  const kind = route.includes('/api/users') ? 'user' : 'admin'
  switch (caller) {
    case 'none':
      return undefined
    case 'user':
      return (route === 'delete /api/users/me' ? doomed : user)?.access_token
    case 'admin':
      return admin.access_token
    case 'superadmin':
      return superadmin.access_token
    case 'expired':
      return expired(kind, kind === 'user' ? (user ?? superadmin) : superadmin)
    case 'revoked':
      return (kind === 'user' ? leaver : leavingAdmin)?.access_token
  }
}

test('20 (API5:2023): every route of the OpenAPI document has a rule, and every rule a route', () => {
  expect(routes.toSorted()).toEqual(Object.keys(RULES).toSorted())
})

/** What a caller who may would send: nothing but the caller is wrong with a request. */
function bodyOf(route: string): unknown {
  if (route.endsWith('/change-password')) {
    return { current_password: PASSWORD, new_password: PASSWORD }
  }
  if (route === 'post /api/admins/register') {
    const username = freshName('admin')
    return { username, email: `${username}@example.com`, password: PASSWORD, is_superadmin: true }
  }
  if (route === 'delete /api/users/me') return { password: PASSWORD }
  if (route === 'post /api/password/test-email') return { to_email: 'somebody@example.com' }
  return /^(?:post|put|patch) /.test(route) ? {} : undefined
}

describe.each(routes)('%s', (route) => {
  const [method = '', template = ''] = route.split(' ')
  const id = template.includes('/sessions/') ? crypto.randomUUID() : victim.id
  const path = template.replace('{id}', String(id))

  test.each(CALLERS)(`20 (API5:2023): ${route} to a caller of kind %s`, async (caller) => {
    await sql('update users set deleted_at = null where id = $1', [victim.id])
    const token = await tokenOf(caller, route)
    const { status } = await visitor().call(method.toUpperCase(), path, bodyOf(route), { token })
    const expected = RULES[route]
    if (expected === PUBLIC) expect([200, 204, 422]).toContain(status)
    else expect(status).toBe(expected?.[caller])
  })
})

test('20: a path that is no route is 404 to everybody, whatever it stands below', async () => {
  for (const path of ['/api', '/api/admins', '/api/admins/roles', '/api/users/1', '/admin']) {
    for (const token of [undefined, superadmin.access_token]) {
      expectError(await visitor().get(path, { token }), 404, 'NotFoundError')
    }
  }
})

/** All that would make one a different person, or more than one is. */
const IDENTITY = {
  ...{ id: 1, user_id: 1, sub: 'user:1', role: 'superadmin', kind: 'admin' },
  ...{ is_superuser: true, is_superadmin: true, is_active: false, email_verified: true },
  ...{
    created_at: '1999-01-01T00:00:00Z',
    deleted_at: null,
    session_epoch: 99,
    kept_session: null,
  },
  ...{ hashed_password: '$2b$10$x', password_hash: 'x', constructor: { prototype: { id: 1 } } },
}

/** `__proto__` as a key of the text: an object literal would not have it. */
const withIdentity = (fields: Record<string, unknown>) =>
  JSON.stringify({ ...IDENTITY, ...fields }).replace('{', '{"__proto__":{"is_superuser":true},')

const rowOf = async (id: number) => (await sql('select * from users where id = $1', [id]))[0]

test('21 (CVE-2025-61928, API3:2023): identity fields in a body change nothing', async () => {
  const caller = visitor()
  const options = { headers: { 'Content-Type': 'application/json' } }
  const username = freshName()
  const fields = { username, email: `${username}@example.com`, password: PASSWORD }
  const { status, body } = await caller.post('/api/users/register', undefined, {
    ...options,
    raw: withIdentity(fields),
  })
  expect(status).toBe(201)
  expect(body).toMatchObject({ is_superuser: false, is_active: true })
  expect(body.id).not.toBe(1)
  expect(body.created_at).not.toContain('1999')

  const tokens = await logIn(caller, username)
  const before = await rowOf(body.id)
  const put = await caller.put('/api/users/me', undefined, {
    ...options,
    token: tokens.access_token,
    raw: withIdentity({ full_name: 'Ada' }),
  })
  expect(put.body).toEqual({ ...body, full_name: 'Ada', updated_at: put.body.updated_at })
  const after = await rowOf(body.id)
  expect(after).toEqual({ ...before, full_name: 'Ada', updated_at: after?.['updated_at'] })
  expect(({} as Record<string, unknown>)['is_superuser']).toBeUndefined()

  const patched = await admin.caller.patch(`/api/admins/users/${body.id}`, undefined, {
    ...options,
    token: admin.access_token,
    raw: withIdentity({ is_active: true, is_superuser: undefined, full_name: 'Ada' }),
  })
  expect(patched.status).toBe(200)
  expect(await rowOf(body.id)).toEqual({
    ...after,
    updated_at: (await rowOf(body.id))?.['updated_at'],
  })
})

test('21: a user who is a superuser is nobody to the admins’ API, and an admin cannot raise anybody', async () => {
  await sql('update users set is_superuser = true where id = $1', [user.id])
  const { access_token: token } = await logIn(visitor(), user.username)
  expect(decodeJwt(token)['role']).toBe('superuser')
  expectError(await visitor().get('/api/admins/users', { token }), 403, 'AuthorizationError')

  const raise = await visitor().patch(
    `/api/admins/users/${victim.id}`,
    { is_superuser: true, full_name: 'Raised' },
    { token: admin.access_token },
  )
  expectError(raise, 403, 'AuthorizationError')
  expect(await rowOf(victim.id)).toMatchObject({ is_superuser: false, full_name: null })
})

test('21: no answer ever holds a hash', async () => {
  const hash = String((await rowOf(user.id))?.['hashed_password'])
  const answers = await Promise.all(
    ['/api/users/me', '/api/users/me/sessions'].map((path) =>
      visitor().get(path, { token: user.access_token }),
    ),
  )
  const seen = await Promise.all(
    ['/api/admins/users?page_size=100', `/api/admins/users/${user.id}`, '/api/admins/audit'].map(
      (path) => visitor().get(path, { token: superadmin.access_token }),
    ),
  )
  for (const { text } of [...answers, ...seen]) {
    expect(text).not.toContain(hash)
    expect(text).not.toMatch(/\$2[aby]\$|hashed_password|session_epoch/)
  }
})

test('21: one user’s session id opens nothing for another', async () => {
  const [mine, others] = [await newUser(), await newUser()]
  const sid = decodeJwt(others.access_token)['sid']
  const path = `/api/users/me/sessions/${sid}`
  expectError(
    await visitor().delete(path, undefined, { token: mine.access_token }),
    404,
    'NotFoundError',
  )
  expect((await visitor().get('/api/users/me', { token: others.access_token })).status).toBe(200)
})
