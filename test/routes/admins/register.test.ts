import { describe, expect, inject, test } from 'vitest'
import { freshName, newAdmin, newUser, PASSWORD } from '../../setup/accounts.ts'
import { environment, expectError, type Visitor, visitor } from '../../setup/api.ts'
import { emptyDatabase, sql } from '../../setup/database.ts'
import { adminRead, expectInvalid, expectUnauthenticated } from '../../setup/shapes.ts'

const candidate = (known: Record<string, unknown> = {}) => {
  const username = freshName('admin')
  return { username, email: `${username}@example.com`, password: PASSWORD, ...known }
}

const register = (caller: Visitor, body: unknown, token?: string) =>
  caller.post('/api/admins/register', body, { token })

describe('on an empty installation', () => {
  const bootstrapToken = inject('world').bindings['ADMIN_BOOTSTRAP_TOKEN'] ?? ''
  const bootstrap = { headers: { 'X-Bootstrap-Token': bootstrapToken } }

  test('POST /api/admins/register with the bootstrap token makes one superadmin of twenty at once', async () => {
    const url = await emptyDatabase()
    const env = environment({ DATABASE_URL: url })
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        visitor({ env }).post('/api/admins/register', candidate(), bootstrap),
      ),
    )
    const [first] = answers.filter(({ status }) => status === 201)
    expect(first?.body).toEqual(adminRead({ is_superadmin: true }))
    const refused = answers.filter((answer) => answer !== first)
    expect(refused).toHaveLength(19)
    for (const answer of refused) expectUnauthenticated(answer)
    expect(await sql('select id from admins', [], url)).toEqual([{ id: first?.body.id }])

    const late = await visitor({ env }).post('/api/admins/register', candidate(), bootstrap)
    expectUnauthenticated(late)
  })

  test('POST /api/admins/register answers 401 to whoever waited for another first admin', async () => {
    const url = await emptyDatabase()
    // Not committed for a second: whoever looks meanwhile sees an empty installation.
    const other = sql(
      `with first as (
         insert into admins (username, email, is_superadmin, is_first)
         values ('root', 'root@example.com', true, true) returning id
       ) select pg_sleep(1) from first`,
      [],
      url,
    )
    const caller = visitor({ env: environment({ DATABASE_URL: url }) })
    expectUnauthenticated(await caller.post('/api/admins/register', candidate(), bootstrap))
    await other
    expect(await sql('select username from admins', [], url)).toEqual([{ username: 'root' }])
  })

  test('POST /api/admins/register answers 401 without the right bootstrap token', async () => {
    const env = environment({ DATABASE_URL: await emptyDatabase() })
    const caller = visitor({ env })
    expectUnauthenticated(await register(caller, candidate()))
    for (const token of ['', 'wrong', bootstrapToken.slice(1)]) {
      const headers = { 'X-Bootstrap-Token': token }
      expectUnauthenticated(await caller.post('/api/admins/register', candidate(), { headers }))
    }
  })

  test('POST /api/admins/register needs no token in development if none is configured', async () => {
    const DATABASE_URL = await emptyDatabase()
    const settings = { DATABASE_URL, ADMIN_BOOTSTRAP_TOKEN: '' }
    const production = environment({ ...settings, ENVIRONMENT: 'production' })
    expectUnauthenticated(await register(visitor({ env: production }), candidate()))

    const development = visitor({ env: environment({ ...settings, ENVIRONMENT: 'development' }) })
    const first = await register(development, candidate())
    expect(first.status).toBe(201)
    expect(first.body).toEqual(adminRead({ is_superadmin: true }))
    expectUnauthenticated(await register(development, candidate()))
  })
})

test('POST /api/admins/register by a superadmin answers 201 with an AdminRead', async () => {
  const { caller, access_token: token } = await newAdmin({ superadmin: true })
  const plain = candidate({ full_name: 'Grace Hopper' })
  const answer = await register(caller, plain, token)
  expect(answer.status).toBe(201)
  const { password: _, ...known } = plain
  expect(answer.body).toEqual(adminRead(known))

  const ranked = await register(caller, candidate({ is_superadmin: true }), token)
  expect(ranked.body).toEqual(adminRead({ is_superadmin: true }))
})

test('POST /api/admins/register answers 401 without a token and 403 for all but superadmins', async () => {
  const [admin, user] = [await newAdmin(), await newUser()]
  expectUnauthenticated(await register(visitor(), candidate()))
  expectError(
    await register(admin.caller, candidate(), user.access_token),
    403,
    'AuthorizationError',
    'This needs the token of an admin',
  )
  const body = candidate()
  expectError(
    await register(admin.caller, body, admin.access_token),
    403,
    'AuthorizationError',
    'This needs a superadmin',
  )
  expect(await sql('select 1 from admins where username = $1', [body.username])).toEqual([])
})

test('POST /api/admins/register answers 409 for taken names and 422 for bad input', async () => {
  const { caller, username, email, access_token: token } = await newAdmin({ superadmin: true })
  const takenEmail = await register(caller, candidate({ email: email.toUpperCase() }), token)
  expectError(takenEmail, 409, 'DuplicateRecordError', 'Admin with this email already exists')
  expect(takenEmail.body.details).toEqual({ resource: 'Admin', field: 'email' })
  const takenName = await register(caller, candidate({ username: username.toUpperCase() }), token)
  expectError(takenName, 409, 'DuplicateRecordError', 'Admin with this username already exists')
  expect(takenName.body.details).toEqual({ resource: 'Admin', field: 'username' })

  expectInvalid(await register(caller, {}, token), 'username', 'email', 'password')
  expectInvalid(await register(caller, candidate({ is_superadmin: 1 }), token), 'is_superadmin')
  const weak = await register(caller, candidate({ password: 'password' }), token)
  expectInvalid(weak, 'password')
  expect(weak.body.details.errors[0].type).toBe('too_common')
})
