import { describe, expect, inject, test } from 'vitest'
import { freshName, newAdmin, newcomer, newUser } from '../../setup/accounts.ts'
import { environment, expectError, type Visitor, visitor } from '../../setup/api.ts'
import { emptyDatabase, sql } from '../../setup/database.ts'
import {
  adminRead,
  expectDuplicate,
  expectInvalid,
  expectResponse,
  expectUnauthenticated,
} from '../../setup/shapes.ts'

const candidate = (known: Record<string, unknown> = {}) => ({
  ...newcomer(freshName('admin')),
  ...known,
})

const register = (caller: Visitor, body: unknown, token?: string) =>
  caller.post('/api/admins/register', body, { token })

describe('on an empty installation', () => {
  const BOOTSTRAP_TOKEN = inject('world').bindings['ADMIN_BOOTSTRAP_TOKEN'] ?? ''

  const bootstrap = (caller: Visitor, token = BOOTSTRAP_TOKEN) =>
    caller.post('/api/admins/register', candidate(), { headers: { 'X-Bootstrap-Token': token } })

  test('POST /api/admins/register with the bootstrap token makes one superadmin of twenty requests at once', async () => {
    const url = await emptyDatabase()
    const env = environment({ DATABASE_URL: url })
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => bootstrap(visitor({ env }))),
    )
    const [first] = responses.filter(({ status }) => status === 201)
    expect(first?.body).toEqual(adminRead({ is_superadmin: true }))
    const rejected = responses.filter((response) => response !== first)
    expect(rejected).toHaveLength(19)
    for (const response of rejected) expectUnauthenticated(response)
    expect(await sql('select id from admins', [], url)).toEqual([{ id: first?.body.id }])
    expectUnauthenticated(await bootstrap(visitor({ env })))
  })

  test('POST /api/admins/register returns 401 to a request that waited for another first admin', async () => {
    const url = await emptyDatabase()
    // Commits after a second. Until then, other connections see an empty installation.
    const other = sql(
      `with first as (
         insert into admins (username, email, is_superadmin, is_first)
         values ('root', 'root@example.com', true, true) returning id
       ) select pg_sleep(1) from first`,
      [],
      url,
    )
    expectUnauthenticated(await bootstrap(visitor({ env: environment({ DATABASE_URL: url }) })))
    await other
    expect(await sql('select username from admins', [], url)).toEqual([{ username: 'root' }])
  })

  test('POST /api/admins/register returns 401 without the right bootstrap token', async () => {
    const caller = visitor({ env: environment({ DATABASE_URL: await emptyDatabase() }) })
    expectUnauthenticated(await register(caller, candidate()))
    for (const token of ['', 'wrong', BOOTSTRAP_TOKEN.slice(1)]) {
      expectUnauthenticated(await bootstrap(caller, token))
    }
  })

  test('POST /api/admins/register needs no bootstrap token in development if none is configured', async () => {
    const settings = { DATABASE_URL: await emptyDatabase(), ADMIN_BOOTSTRAP_TOKEN: '' }
    const worker = (ENVIRONMENT: 'development' | 'test') =>
      visitor({ env: environment({ ...settings, ENVIRONMENT }) })
    expectUnauthenticated(await register(worker('test'), candidate()))
    const first = await register(worker('development'), candidate())
    expectResponse(first, 201, adminRead({ is_superadmin: true }))
    expectUnauthenticated(await register(worker('development'), candidate()))
  })
})

test('POST /api/admins/register by a superadmin returns 201 with the new admin', async () => {
  const { caller, access_token: token } = await newAdmin({ superadmin: true })
  const { password, ...names } = candidate({ full_name: 'Grace Hopper' })
  expectResponse(await register(caller, { ...names, password }, token), 201, adminRead(names))
  const superadmin = await register(caller, candidate({ is_superadmin: true }), token)
  expectResponse(superadmin, 201, adminRead({ is_superadmin: true }))
})

test('POST /api/admins/register returns 401 without a token, 403 for users and plain admins', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  const body = candidate()
  expectUnauthenticated(await register(visitor(), body))
  const byUser = await register(visitor(), body, user.access_token)
  expectError(byUser, 403, 'AuthorizationError', 'This needs the token of an admin')
  const byAdmin = await register(visitor(), body, admin.access_token)
  expectError(byAdmin, 403, 'AuthorizationError', 'This needs a superadmin')
  expect(await sql('select 1 from admins where username = $1', [body.username])).toEqual([])
})

test('POST /api/admins/register returns 409 for taken names and 422 for invalid fields', async () => {
  const { caller, username, email, access_token: token } = await newAdmin({ superadmin: true })
  const attempt = (known: Record<string, unknown>) => register(caller, candidate(known), token)
  expectDuplicate(await attempt({ email: email.toUpperCase() }), 'Admin', 'email')
  expectDuplicate(await attempt({ username: username.toUpperCase() }), 'Admin', 'username')

  expectInvalid(await register(caller, {}, token), 'username', 'email', 'password')
  expectInvalid(await attempt({ is_superadmin: 1 }), 'is_superadmin')
  const weak = await attempt({ password: 'password' })
  expectInvalid(weak, 'password')
  expect(weak.body.details.errors[0].type).toBe('too_common')
})
