/** Refresh tokens of the former service: each is exchanged for a session of ours, once. */
import { afterEach, expect, test, vi } from 'vitest'
import { runMaintenance } from '../../src/maintenance.ts'
import { newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import {
  accepting,
  adoptedAdmin,
  adoptedUser,
  client,
  dayIn,
  LEFT,
  LEGACY_SECRET,
  legacyReset,
  legacyToken,
  returnedUser,
} from '../setup/legacy.ts'
import { expectUnauthenticated, TOKEN_PAIR } from '../setup/shapes.ts'
import { auditLines } from './attack.ts'
import { changePassword, getMe, refresh, resetPassword } from './calls.ts'
import { listen } from './captured-log.ts'

afterEach(() => vi.restoreAllMocks())

const exchange = (token: string, type: 'users' | 'admins' = 'users') =>
  refresh(token, { type, client: client() })
const expectRejected = (response: Awaited<ReturnType<typeof exchange>>) =>
  expectUnauthenticated(response, 'Invalid or expired refresh token')

/** Sessions, but for the one of the login that set the account up. */
const sessionsOf = (id: number) =>
  sql<{ id: string; revoked: boolean; user_agent: string | null }>(
    `select id, revoked_at is not null as revoked, user_agent from user_sessions
     where account_id = $1 and substr(id::text, 15, 1) = '8' order by id`,
    [id],
  )

/** As if the exchange had been longer ago than the grace time. */
const passGrace = (id: number) =>
  sql(`update user_sessions set rotated_at = now() - interval '31 s' where account_id = $1`, [id])

test('9: an old refresh token is exchanged for a session, with a line in the log and in the audit trail', async () => {
  const { id } = await adoptedUser()
  const output = listen()
  const response = await exchange(legacyToken(id))
  expect(response.status).toBe(200)
  expect(response.body).toEqual(TOKEN_PAIR)
  const request_id = response.headers.get('X-Request-ID')
  const lines = output.lines().filter(({ event }) => event === 'legacy_refresh_token_exchanged')
  expect(lines).toEqual([expect.objectContaining({ level: 'info', kind: 'user', id, request_id })])
  expect((await auditLines('user', id)).at(-1)).toMatchObject({
    ...{ action: 'legacy_refresh_token_exchanged', outcome: 'success', actor: `user:${id}` },
    request_id,
  })

  const { access_token, refresh_token } = response.body
  expect((await getMe(access_token)).status).toBe(200)
  const [session] = await sessionsOf(id)
  const listed = await client().get('/api/users/me/sessions', { token: access_token })
  expect(listed.body).toContainEqual(expect.objectContaining({ id: session?.id, current: true }))
  // The session does without LEGACY_SECRET_KEY.
  const next = await refresh(refresh_token)
  expect(next.status).toBe(200)
  expect((await refresh(next.body.refresh_token)).status).toBe(200)
})

test('9 (RFC 9700): sent again after the grace time, an old refresh token ends its session, and never opens another', async () => {
  const { id } = await adoptedUser()
  const token = legacyToken(id)
  const { body: pair } = await exchange(token)
  await passGrace(id)
  const output = listen()
  expectRejected(await exchange(token))
  expect(output.lines().map(({ event }) => event)).toContain('refresh_token_reuse')
  expect((await auditLines('user', id)).at(-1)).toMatchObject({
    ...{ action: 'refresh_token_reuse', reason: 'older_than_grace', target: `user:${id}` },
  })
  expectUnauthenticated(await getMe(pair.access_token))
  expect((await refresh(pair.refresh_token)).status).toBe(401)
  expectRejected(await exchange(token))
  expect(await sessionsOf(id)).toMatchObject([{ revoked: true }])
})

test('9: an old refresh token with another spelling of the same signature opens no second session', async () => {
  const { id } = await adoptedUser()
  const token = legacyToken(id)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.slice(-1))
  for (const bits of [0, 1, 2, 3]) {
    await exchange(token.slice(0, -1) + alphabet[(last & ~3) | bits])
  }
  expect(await sessionsOf(id)).toHaveLength(1)
})

test('11: the session that an old token is exchanged for ends 30 days later, and its tokens after REFRESH_TOKEN_EXPIRE_DAYS', async () => {
  const { id } = await adoptedUser()
  await exchange(legacyToken(id))
  const [session] = await sessionsOf(id)
  const ends = await sql(
    `select extract(day from ends_at - created_at)::int as ends,
       extract(day from expires_at - created_at)::int as expires
     from user_sessions where id = $1`,
    [session?.id],
  )
  expect(ends).toEqual([{ ends: 30, expires: 7 }])
})

test('9: in cookie mode, the session’s token goes into the cookie; an old token in the cookie is 401', async () => {
  const { id } = await adoptedUser()
  const headers = { Origin: 'https://app.example.com', 'X-Refresh-Token': 'cookie' }
  const refresh_token = legacyToken(id)
  const Cookie = `__Host-refresh_users=${refresh_token}`
  const path = '/api/users/refresh'
  expectRejected(await client().post(path, {}, { headers: { ...headers, Cookie } }))
  expect(await sessionsOf(id)).toEqual([])
  const response = await client().post(path, { refresh_token }, { headers })
  expect(response.status).toBe(200)
  expect(response.body).not.toHaveProperty('refresh_token')
  expect(response.headers.get('Set-Cookie')).toContain('__Host-refresh_users=')
})

test('13: kinds don’t interchange: refresh at me, access at refresh, a user’s at the admins’ and back, a reset token', async () => {
  const [user, admin] = [await adoptedUser(), await adoptedAdmin()]
  expectUnauthenticated(await getMe(legacyToken(user.id), { client: client() }))
  expectRejected(await exchange(legacyToken(user.id, LEFT.access)))
  expectRejected(await exchange(legacyToken(user.id), 'admins'))
  expectRejected(await exchange(legacyToken(admin.id, LEFT.refresh, 'admin')))
  expectRejected(await exchange(await legacyReset(user.id)))
  expect((await exchange(legacyToken(admin.id, LEFT.refresh, 'admin'), 'admins')).status).toBe(200)
})

test('13: without LEGACY_SECRET_KEY, or once LEGACY_UNTIL is over, an old refresh token is 401', async () => {
  const { id } = await adoptedUser()
  const over = environment({ LEGACY_SECRET_KEY: LEGACY_SECRET, LEGACY_UNTIL: dayIn(-1) })
  for (const env of [environment(), over]) {
    expectRejected(await refresh(legacyToken(id), { client: visitor({ env }) }))
  }
  expect(await sessionsOf(id)).toEqual([])
})

test.each([
  ['was made here', 'adopted_at = null'],
  ['is disabled', 'is_active = false'],
  ['is deleted', 'deleted_at = now()'],
  ['has changed its password', 'password_version = 1'],
  ['was signed out, or demoted', 'session_epoch = 1'],
])('10: an old refresh token is 401 if the account %s', async (_, set) => {
  const { id } = await adoptedUser()
  await sql(`update users set ${set} where id = $1`, [id])
  expectRejected(await exchange(legacyToken(id)))
  expect(await sessionsOf(id)).toEqual([])
})

test('10: after a change or a reset of the password, an old refresh token and the session it opened are 401', async () => {
  const [changing, resetting] = [await returnedUser(), await returnedUser()]
  for (const { id, access_token } of [changing, resetting]) {
    const [exchanged, waiting] = [legacyToken(id), legacyToken(id, LEFT.refresh - 60)]
    const { body: pair } = await exchange(exchanged)
    const ended =
      id === changing.id
        ? await changePassword(access_token, PASSWORD)
        : await resetPassword(await legacyReset(id), 'another long password', { client: client() })
    expect(ended.status).toBe(200)
    for (const token of [exchanged, waiting]) expectRejected(await exchange(token))
    expect((await refresh(pair.refresh_token)).status).toBe(401)
  }
})

test('10: logging out with an old refresh token makes it useless, exchanged or not', async () => {
  const user = await adoptedUser()
  const [exchanged, waiting] = [legacyToken(user.id), legacyToken(user.id, LEFT.refresh - 60)]
  const { body: pair } = await exchange(exchanged)
  for (const refresh_token of [exchanged, waiting]) {
    expect((await client().post('/api/users/logout', { refresh_token })).status).toBe(204)
    expectRejected(await exchange(refresh_token))
  }
  expectUnauthenticated(await getMe(pair.access_token))
  expect((await sessionsOf(user.id)).map(({ revoked }) => revoked)).toEqual([true, true])
  // Those of others are not touched.
  const stranger = await newUser()
  const refresh_token = legacyToken(stranger.id)
  expect((await client().post('/api/users/logout', { refresh_token })).status).toBe(204)
  expect((await getMe(stranger.access_token)).status).toBe(200)
})

test('13: an old refresh token that was exchanged or logged out is no access token in its last 15 minutes', async () => {
  const { id } = await adoptedUser()
  const left = 15 * 60 + 60
  const [exchanged, loggedOut, unused] = [left, left - 1, left - 2].map((each) =>
    legacyToken(id, each),
  )
  expect((await exchange(exchanged ?? '')).status).toBe(200)
  const out = await client().post('/api/users/logout', { refresh_token: loggedOut })
  expect(out.status).toBe(204)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 })
  try {
    for (const token of [exchanged, loggedOut]) {
      expectUnauthenticated(await getMe(token ?? '', { client: client() }))
    }
    expect((await getMe(unused ?? '', { client: client() })).status).toBe(200)
  } finally {
    vi.useRealTimers()
  }
})

test('9: while old tokens are accepted, the cron keeps the session of one that could be sent again', async () => {
  const { id } = await adoptedUser()
  const token = legacyToken(id)
  await exchange(token)
  // With REFRESH_TOKEN_EXPIRE_DAYS=1, a session expires before the token that it was opened with.
  await sql(`update user_sessions set expires_at = now() - interval '5 d' where account_id = $1`, [
    id,
  ])
  await runMaintenance(accepting)
  expect(await sessionsOf(id)).toHaveLength(1)
  expectRejected(await exchange(token))
  await runMaintenance(environment())
  expect(await sessionsOf(id)).toEqual([])
})

test('with the database down, an old refresh token is 503, never 401', async () => {
  const { id } = await adoptedUser()
  const env = { ...accepting, NEON_HTTP_URL: 'http://127.0.0.1:9' }
  expectError(await refresh(legacyToken(id), { client: visitor({ env }) }), 503, 'DatabaseError')
})
