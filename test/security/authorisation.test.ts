import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { signAccessToken } from '../../src/tokens/access.ts'
import { freshName, newAdmin, newUser, PASSWORD, type Tokens } from '../setup/accounts.ts'
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
