import { expect, test } from 'vitest'
import { logIn, newAdmin, newUser, PASSWORD, type Tokens } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { expectUnauthenticated } from '../setup/shapes.ts'
import { auditLines, redis } from './attack.ts'
import { changePassword, getMe, NEW_PASSWORD, refresh, resetPassword } from './calls.ts'
import { listen } from './captured-log.ts'
import { faulty } from './faulty-world.ts'

const upstash = await faulty('upstash')
await upstash.fault({ kind: 'disconnect' })

/** Both tokens are invalid: here, in a Worker that has just started, and in one without Redis. */
async function expectSignedOut({ access_token, refresh_token }: Tokens) {
  for (const env of [environment(), upstash.env()]) {
    const client = visitor({ env })
    expectUnauthenticated(await getMe(access_token, { client }))
    const refreshed = await refresh(refresh_token, { client })
    expectUnauthenticated(refreshed, 'Invalid or expired refresh token')
  }
}

async function expectSignedIn({ access_token, refresh_token }: Tokens) {
  expect((await getMe(access_token)).status).toBe(200)
  expect((await refresh(refresh_token)).status).toBe(200)
}

async function successorOf({ refresh_token }: Tokens): Promise<Tokens> {
  const { status, body } = await refresh(refresh_token)
  expect(status).toBe(200)
  return body
}

test('9 (RFC 9700, 4.14.2): a stolen refresh token that is used after its owner has refreshed ends the session for both, in the log and in the audit trail', async () => {
  const owner = await newUser()
  const device = await logIn(visitor(), owner.username)
  const second = await successorOf(owner)
  const third = await successorOf(second)
  const output = listen()
  const thief = visitor({ address: '198.51.100.7' })
  const theft = await refresh(owner.refresh_token, { client: thief })
  expectUnauthenticated(theft, 'Invalid or expired refresh token')
  expect(output.lines()).toContainEqual(
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

test('10: change-password ends all sessions but its own; reset-password ends that one too', async () => {
  const user = await newUser()
  const phone = await logIn(visitor(), user.username)
  const tablet = await logIn(visitor(), user.username)
  expect((await changePassword(phone.access_token, PASSWORD)).status).toBe(200)
  await expectSignedOut(user)
  await expectSignedOut(tablet)
  const next = await successorOf(phone)
  expect((await getMe(next.access_token)).status).toBe(200)

  const { status, body } = await resetPassword(await resetTokenOf(user.id))
  expect({ status, body }).toEqual({ status: 200, body: { message: 'Password reset successful' } })
  await expectSignedOut(next)
})

test('10: change-password ends the session that an earlier change-password kept', async () => {
  const user = await newUser()
  const phone = await logIn(visitor(), user.username)
  expect((await changePassword(user.access_token, PASSWORD)).status).toBe(200)
  await expectSignedOut(phone)
  const laptop = await logIn(visitor(), user.username, { password: NEW_PASSWORD })
  const again = await changePassword(laptop.access_token, NEW_PASSWORD, PASSWORD)
  expect(again.status).toBe(200)
  await expectSignedOut(user)
  await expectSignedOut(phone)
  await expectSignedIn(laptop)
})

test.each([
  ['disabling', 'PATCH', '', { is_active: false }, { is_active: true }],
  ['demoting', 'PATCH', '', { is_superuser: false }, { is_superuser: true }],
  ['deleting', 'DELETE', '', undefined, undefined],
  ['signing out', 'DELETE', '/sessions', undefined, undefined],
] as const)(
  '10 (CVE-2026-9802): %s a user ends all sessions at the next call; undoing it revives no token',
  async (_, method, path, body, undo) => {
    const admin = await newAdmin({ superadmin: true })
    const user = await newUser()
    await sql('update users set is_superuser = true where id = $1', [user.id])
    const byAdmin = visitor({ token: admin.access_token })
    const call = (verb: string, to: string, sent?: unknown) =>
      byAdmin.call(verb, `/api/admins/users/${user.id}${to}`, sent)
    expect((await call(method, path, body)).status).toBeLessThan(300)
    await expectSignedOut(user)
    const undone = await (undo ? call('PATCH', '', undo) : call('POST', '/restore'))
    expect(undone.status).toBe(200)
    await expectSignedOut(user)
    await expectSignedIn(await logIn(visitor(), user.username))
  },
)

test('10: demoting, disabling and deleting an admin in the database applies at the next call', async () => {
  const { id, access_token: token } = await newAdmin({ superadmin: true })
  const list = () => visitor({ token }).get('/api/admins/audit')
  const set = (columns: string) => sql(`update admins set ${columns} where id = $1`, [id])
  expect((await list()).status).toBe(200)
  await set('is_superadmin = false')
  expect((await list()).status).toBe(403)
  await set('is_active = false')
  expectUnauthenticated(await list())
  await set('is_active = true, deleted_at = now()')
  expectUnauthenticated(await list())
})

test('10 (CVE-2026-9802): Redis contains only rate limits and metrics, so flushing it revives no session', async () => {
  const user = await newUser()
  await user.caller.post('/api/users/logout', { refresh_token: user.refresh_token })
  const [, keys] = (await redis('SCAN', '0', 'COUNT', '1000000')) as [string, string[]]
  expect(keys.length).toBeGreaterThan(0)
  expect(keys.filter((key) => !/^(limit|metrics):/.test(key))).toEqual([])
  await expectSignedOut(user)
})

test('11 (ASVS 7.3.2): refreshing does not extend a session past the absolute end of its login', async () => {
  const user = await newUser()
  const session = (columns: string) =>
    sql(`select ${columns} from user_sessions where account_id = $1`, [user.id])
  const set = (columns: string) =>
    sql(`update user_sessions set ${columns} where account_id = $1`, [user.id])
  const days = 'extract(epoch from ends_at - created_at)::int / 86400 as days'
  expect(await session(days)).toEqual([{ days: 30 }])
  await set("ends_at = now() + interval '1 hour'")
  const next = await successorOf(user)
  expect(await session('expires_at = ends_at as bounded')).toEqual([{ bounded: true }])
  await set("ends_at = ends_at - interval '1 hour', expires_at = expires_at - interval '1 hour'")
  await expectSignedOut(next)
})

const TABLES = ['users', 'user_sessions', 'password_resets', 'attempts', 'outbox', 'audit_events']

test('11 (ASVS 11.5.1): nothing in a database dump is valid as a token', async () => {
  const user = await newUser()
  const resetToken = await resetTokenOf(user.id)
  const dump = await Promise.all(TABLES.map((table) => sql(`select * from ${table}`)))
  const text = JSON.stringify(dump)
  for (const token of [user.access_token, user.refresh_token, resetToken]) {
    expect(text).not.toContain(token)
    expect(text).not.toContain(token.slice(token.lastIndexOf('.') + 1))
  }

  const [row] = await sql<Record<'session' | 'counter' | 'reset' | 'hash', unknown>>(
    `select s.id as session, s.counter, r.id as reset, u.hashed_password as hash
     from users u join user_sessions s on s.account_id = u.id
       join password_resets r on r.user_id = u.id where u.id = $1`,
    [user.id],
  )
  const parts = [row?.session, `${row?.session}.${row?.counter}`, row?.reset, row?.hash]
  const forged = parts.flatMap((part) => [`${part}`, `${part}.`, `${part}.${'A'.repeat(43)}`])
  for (const token of forged) {
    expect((await getMe(token)).status).toBe(401)
    expect((await refresh(token)).status).toBe(401)
    expect((await resetPassword(token)).status).toBe(400)
  }
  await expectSignedIn(user)
})
