import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { logIn, newAdmin, newUser, type Tokens } from '../../setup/accounts.ts'
import type { Visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid, expectUnauthenticated, TOKEN_PAIR } from '../../setup/shapes.ts'

const REFUSED = 'Invalid or expired refresh token'

const refresh = (caller: Visitor, refresh_token: string) =>
  caller.post('/api/users/refresh', { refresh_token })

const sessionOf = ({ access_token }: Tokens) => String(decodeJwt(access_token)['sid'])

/** Sets the times of a session back (or its end, in seconds from now), as if time had passed. */
const age = (tokens: Tokens, columns: string) =>
  sql(`update user_sessions set ${columns} where id = $1`, [sessionOf(tokens)])

const stateOf = async (tokens: Tokens) => {
  const [row] = await sql(
    `select counter, revoked_at is not null as revoked, expires_at <= ends_at as bounded,
       round(extract(epoch from expires_at - last_used_at) / 86400)::int as days
     from user_sessions where id = $1`,
    [sessionOf(tokens)],
  )
  return row
}

test('POST /api/users/refresh rotates, repeats itself within the grace time, and takes older ones for theft', async () => {
  const user = await newUser()
  const { caller, refresh_token: first } = user
  const second = await refresh(caller, first)
  expect(second.status).toBe(200)
  expect(second.body).toEqual(TOKEN_PAIR)
  expect(second.body.refresh_token).not.toBe(first)
  expect(await stateOf(user)).toEqual({ counter: 1, revoked: false, bounded: true, days: 7 })

  const again = await refresh(caller, first)
  expect(again.body.refresh_token).toBe(second.body.refresh_token)
  expect((await stateOf(user))?.['counter']).toBe(1)

  await age(user, "rotated_at = now() - interval '31 seconds'")
  const { access_token: token } = second.body
  expect((await caller.get('/api/users/me', { token })).status).toBe(200)
  expectUnauthenticated(await refresh(caller, first), REFUSED)
  expect((await stateOf(user))?.['revoked']).toBe(true)
  expectUnauthenticated(await refresh(caller, second.body.refresh_token), REFUSED)
  expectUnauthenticated(await caller.get('/api/users/me', { token }))

  const events = await sql(
    "select outcome, reason from audit_events where action = 'refresh_token_reuse' and target_kind = 'user' and target_id = $1",
    [user.id],
  )
  expect(events).toEqual([{ outcome: 'failure', reason: 'older_than_grace' }])
})

test('POST /api/users/refresh takes a token two generations old for theft, grace time or not', async () => {
  const user = await newUser()
  const second = await refresh(user.caller, user.refresh_token)
  await refresh(user.caller, second.body.refresh_token)
  expectUnauthenticated(await refresh(user.caller, user.refresh_token), REFUSED)
  expect((await stateOf(user))?.['revoked']).toBe(true)
})

test('POST /api/users/refresh ends after 7 days without use, and 30 days after the login whatever happens', async () => {
  const user = await newUser()
  const { caller, username, refresh_token } = user
  await age(user, "ends_at = now() + interval '2 days'")
  const last = await refresh(caller, refresh_token)
  expect(last.status).toBe(200)
  expect(await stateOf(user)).toMatchObject({ bounded: true, days: 2 })
  await age(user, "ends_at = now() - interval '1 second', expires_at = now() - interval '1 second'")
  expectUnauthenticated(await refresh(caller, last.body.refresh_token), REFUSED)

  const unused = await logIn(caller, username)
  await age(unused, "expires_at = now() - interval '1 second'")
  expectUnauthenticated(await refresh(caller, unused.refresh_token), REFUSED)
})

test('POST /api/users/refresh answers 401 for what is no refresh token of a user', async () => {
  const [user, admin] = await Promise.all([newUser(), newAdmin()])
  const [subject = '', counter = ''] = user.refresh_token.split('.')
  for (const token of [
    'garbage',
    user.access_token,
    admin.refresh_token,
    `${subject}.${Number(counter) + 1}.${user.refresh_token.split('.')[2]}`,
    `${user.refresh_token}=`,
  ]) {
    expectUnauthenticated(await refresh(user.caller, token), REFUSED)
  }
  expect((await stateOf(user))?.['revoked']).toBe(false)
})

test('POST /api/users/refresh answers 422 without a token', async () => {
  const { caller } = await newUser()
  for (const body of [
    {},
    { refresh_token: '' },
    { refresh_token: 1 },
    { refresh_token: 'a'.repeat(513) },
  ]) {
    expectInvalid(await caller.post('/api/users/refresh', body), 'refresh_token')
    expectInvalid(await caller.post('/api/users/logout', body), 'refresh_token')
  }
})

test('POST /api/users/refresh answers 401 when the account is disabled', async () => {
  const { caller, id, refresh_token } = await newUser()
  await sql('update users set is_active = false where id = $1', [id])
  expectUnauthenticated(await refresh(caller, refresh_token), REFUSED)
})

test('POST /api/users/logout answers 204, ends the session, and 204 again for a dead or foreign token', async () => {
  const user = await newUser()
  const { caller, refresh_token, access_token } = user
  const logout = (token: string) => caller.post('/api/users/logout', { refresh_token: token })
  const first = await logout(refresh_token)
  expect(first).toMatchObject({ status: 204, text: '' })
  expectUnauthenticated(await refresh(caller, refresh_token), REFUSED)
  expectUnauthenticated(await caller.get('/api/users/me', { token: access_token }))
  expect((await logout(refresh_token)).status).toBe(204)
  expect((await logout('garbage')).status).toBe(204)
  const events = await sql(
    "select 1 from audit_events where action = 'logout' and actor_kind = 'user' and actor_id = $1",
    [user.id],
  )
  expect(events).toHaveLength(1)
})
