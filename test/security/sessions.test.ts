import { afterEach, expect, test, vi } from 'vitest'
import { logIn, newAdmin, newUser, PASSWORD, type Tokens } from '../setup/accounts.ts'
import { environment, type Visitor, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'
import { auditLines, openReset, redis } from './attack.ts'
import { faulty } from './faulty-world.ts'

afterEach(() => vi.restoreAllMocks())

const NEW_PASSWORD = 'another long password'

const me = (caller: Visitor, { access_token: token }: Tokens) =>
  caller.get('/api/users/me', { token })

const refresh = (caller: Visitor, { refresh_token }: Tokens) =>
  caller.post('/api/users/refresh', { refresh_token })

/** Both tokens are dead: here, in a Worker that has just started, and in one that has no Redis. */
async function expectSignedOut(tokens: Tokens) {
  const upstash = await faulty('upstash')
  await upstash.fault({ kind: 'refuse' })
  for (const env of [environment(), upstash.env()]) {
    const caller = visitor({ env })
    expectUnauthenticated(await me(caller, tokens))
    expectUnauthenticated(await refresh(caller, tokens), 'Invalid or expired refresh token')
  }
}

async function expectSignedIn(tokens: Tokens) {
  expect((await me(visitor(), tokens)).status).toBe(200)
  expect((await refresh(visitor(), tokens)).status).toBe(200)
}

test('9 (RFC 9700, 4.14.2): a stolen token, used after its owner went on, ends the session for both, logged and in the trail', async () => {
  const owner = await newUser()
  const [device] = [await logIn(visitor(), owner.username)]
  const second = (await refresh(visitor(), owner)).body as Tokens
  const third = (await refresh(visitor(), second)).body as Tokens
  const lines = vi.spyOn(console, 'log')
  const thief = visitor({ address: '198.51.100.7' })
  const theft = await refresh(thief, owner)
  expectUnauthenticated(theft, 'Invalid or expired refresh token')
  const logged = lines.mock.calls.map(([line]) => JSON.parse(line))
  expect(logged).toContainEqual(
    expect.objectContaining({ level: 'warn', event: 'refresh_token_reuse', id: owner.id }),
  )
  for (const tokens of [owner, second, third]) await expectSignedOut(tokens)
  expect((await auditLines('user', owner.id)).at(-1)).toEqual({
    ...{ action: 'refresh_token_reuse', outcome: 'failure', reason: 'older_than_grace' },
    ...{ actor: null, target: `user:${owner.id}`, request_id: theft.headers.get('X-Request-ID') },
    ...{ network: '198.51.100.0/24', country: null },
  })
  await expectSignedIn(device)
})

test('10: change-password ends all other sessions and keeps its own; reset-password ends that too', async () => {
  const user = await newUser()
  const [phone, tablet] = [
    await logIn(visitor(), user.username),
    await logIn(visitor(), user.username),
  ]
  const changed = await visitor().post(
    '/api/users/change-password',
    { current_password: PASSWORD, new_password: NEW_PASSWORD },
    { token: phone.access_token },
  )
  expect(changed.status).toBe(200)
  await expectSignedOut(user)
  await expectSignedOut(tablet)
  const next = (await refresh(visitor(), phone)).body as Tokens
  expect((await me(visitor(), next)).status).toBe(200)

  const reset = await visitor().post('/api/password/reset-password', {
    token: await openReset(user.id),
    new_password: PASSWORD,
  })
  expect(reset).toMatchObject({ status: 200, body: { message: 'Password reset successful' } })
  expect(Object.keys(reset.body)).toEqual(['message'])
  await expectSignedOut(next)
})

test('10: a session that was spared by one change of password is not spared by the next', async () => {
  const user = await newUser()
  const phone = await logIn(visitor(), user.username)
  const change = (tokens: Tokens, current_password: string, new_password: string) =>
    visitor().post(
      '/api/users/change-password',
      { current_password, new_password },
      { token: tokens.access_token },
    )
  expect((await change(user, PASSWORD, NEW_PASSWORD)).status).toBe(200)
  await expectSignedOut(phone)
  const laptop = await logIn(visitor(), user.username, { password: NEW_PASSWORD })
  expect((await change(laptop, NEW_PASSWORD, PASSWORD)).status).toBe(200)
  await expectSignedOut(user)
  await expectSignedOut(phone)
  await expectSignedIn(laptop)
})

test.each([
  ['disabling', 'PATCH', '', { is_active: false }, { is_active: true }],
  ['demoting', 'PATCH', '', { is_superuser: false }, { is_superuser: true }],
  ['deleting', 'DELETE', '', undefined, undefined],
  ['signing out everywhere', 'DELETE', '/sessions', undefined, undefined],
] as const)(
  '10 (CVE-2026-9802): %s a user acts at the next call, and taking it back revives no token',
  async (_, method, path, body, back) => {
    const admin = await newAdmin({ superadmin: true })
    const user = await newUser()
    await sql('update users set is_superuser = true where id = $1', [user.id])
    const call = (verb: string, to: string, sent?: unknown) =>
      admin.caller.call(verb, `/api/admins/users/${user.id}${to}`, sent, {
        token: admin.access_token,
      })
    expect((await call(method, path, body)).status).toBeLessThan(300)
    await expectSignedOut(user)
    expect((await (back ? call('PATCH', '', back) : call('POST', '/restore'))).status).toBe(200)
    await expectSignedOut(user)
    await expectSignedIn(await logIn(visitor(), user.username))
  },
)

test('10: disabling, deleting and demoting an admin in the database acts at the next call', async () => {
  const admin = await newAdmin({ superadmin: true })
  const list = () => visitor().get('/api/admins/audit', { token: admin.access_token })
  const set = (columns: string) => sql(`update admins set ${columns} where id = $1`, [admin.id])
  expect((await list()).status).toBe(200)
  await set('is_superadmin = false')
  expect((await list()).status).toBe(403)
  await set('is_active = false')
  expectUnauthenticated(await list())
  await set('is_active = true, deleted_at = now()')
  expectUnauthenticated(await list())
})

test('10 (CVE-2026-9802): Redis holds limits and nothing else, so that a flush brings nobody back', async () => {
  const user = await newUser()
  await user.caller.post('/api/users/logout', { refresh_token: user.refresh_token })
  const [, keys] = (await redis('SCAN', '0', 'COUNT', '1000000')) as [string, string[]]
  expect(keys.length).toBeGreaterThan(0)
  expect(keys.filter((key) => !key.startsWith('limit:'))).toEqual([])
  await expectSignedOut(user)
})

test('11 (ASVS 7.3.2): refreshing cannot move a session past the absolute end of its login', async () => {
  const user = await newUser()
  const [session] = await sql<{ days: number }>(
    `select extract(epoch from ends_at - created_at)::int / 86400 as days
     from user_sessions where account_id = $1`,
    [user.id],
  )
  expect(session).toEqual({ days: 30 })
  await sql("update user_sessions set ends_at = now() + interval '1 hour' where account_id = $1", [
    user.id,
  ])
  const next = (await refresh(visitor(), user)).body as Tokens
  const [bounded] = await sql(
    'select expires_at = ends_at as ok from user_sessions where account_id = $1',
    [user.id],
  )
  expect(bounded).toEqual({ ok: true })
  await sql(
    `update user_sessions set ends_at = ends_at - interval '1 hour', expires_at = expires_at - interval '1 hour'
     where account_id = $1`,
    [user.id],
  )
  await expectSignedOut(next)
})

const TABLES = ['users', 'user_sessions', 'password_resets', 'attempts', 'outbox', 'audit_events']

test('11 (ASVS 11.5.1): nothing in a database dump can be presented as a token', async () => {
  const user = await newUser()
  const resetToken = await openReset(user.id)
  const dump = await Promise.all(TABLES.map((table) => sql(`select * from ${table}`)))
  const text = JSON.stringify(dump)
  for (const token of [user.access_token, user.refresh_token, resetToken]) {
    expect(text).not.toContain(token)
    expect(text).not.toContain(token.slice(token.lastIndexOf('.') + 1))
  }

  const [session] = await sql<{ id: string; counter: number }>(
    'select id, counter from user_sessions where account_id = $1',
    [user.id],
  )
  const [reset] = await sql<{ id: string; hash: string }>(
    `select r.id, u.hashed_password as hash from password_resets r join users u on u.id = r.user_id
     where u.id = $1`,
    [user.id],
  )
  const parts = [session?.id, `${session?.id}.${session?.counter}`, reset?.id, reset?.hash]
  const forged = parts.flatMap((part) => [`${part}`, `${part}.`, `${part}.${'A'.repeat(43)}`])
  for (const token of forged) {
    expect((await visitor().get('/api/users/me', { token })).status).toBe(401)
    const { status } = await refresh(visitor(), { refresh_token: token, access_token: '' })
    expect(status).toBe(401)
    const used = await visitor().post('/api/password/reset-password', {
      token,
      new_password: NEW_PASSWORD,
    })
    expect(used.status).toBe(400)
  }
  await expectSignedIn(user)
})
