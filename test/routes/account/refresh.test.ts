import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { logIn, newAdmin, newUser, type Tokens } from '../../setup/accounts.ts'
import type { Visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import {
  expectInvalid,
  expectResponse,
  expectUnauthenticated,
  TOKEN_PAIR,
} from '../../setup/shapes.ts'
import { ACCOUNT_TYPES } from './account-types.ts'

describe.each(ACCOUNT_TYPES)('POST /api/$type/refresh', ({ type, kind, create }) => {
  const path = `/api/${type}/refresh`

  const refresh = (caller: Visitor, refresh_token: string) => caller.post(path, { refresh_token })

  const expectRejected = async (caller: Visitor, refresh_token: string) =>
    expectUnauthenticated(await refresh(caller, refresh_token), 'Invalid or expired refresh token')

  const sessionOf = ({ access_token }: Tokens) => decodeJwt(access_token)['sid']

  const setColumns = (tokens: Tokens, columns: string) =>
    sql(`update ${kind}_sessions set ${columns} where id = $1`, [sessionOf(tokens)])

  const stateOf = async (tokens: Tokens) => {
    const [row] = await sql(
      `select counter, revoked_at is not null as revoked, expires_at <= ends_at as bounded,
         round(extract(epoch from expires_at - last_used_at) / 86400)::int as days
       from ${kind}_sessions where id = $1`,
      [sessionOf(tokens)],
    )
    return row
  }

  test('rotates the token, repeats the response for 30 seconds, then treats reuse as theft', async () => {
    const account = await create()
    const { caller, refresh_token: first } = account
    const second = await refresh(caller, first)
    expectResponse(second, 200, TOKEN_PAIR)
    expect(second.body.refresh_token).not.toBe(first)
    expect((await refresh(caller, first)).body.refresh_token).toBe(second.body.refresh_token)
    expect(await stateOf(account)).toEqual({ counter: 1, revoked: false, bounded: true, days: 7 })

    const me = () => caller.get(`/api/${type}/me`, { token: second.body.access_token })
    await setColumns(account, "rotated_at = now() - interval '31 seconds'")
    expect((await me()).status).toBe(200)
    await expectRejected(caller, first)
    expect(await stateOf(account)).toMatchObject({ revoked: true })
    await expectRejected(caller, second.body.refresh_token)
    expectUnauthenticated(await me())
    const events = await sql(
      `select outcome, reason from audit_events
       where action = 'refresh_token_reuse' and target_kind = $1 and target_id = $2`,
      [kind, account.id],
    )
    expect(events).toEqual([{ outcome: 'failure', reason: 'older_than_grace' }])
  })

  test('repeats the response for 30 seconds in a session that was last refreshed days ago', async () => {
    const account = await create()
    const { caller, refresh_token } = account
    await setColumns(account, "rotated_at = now() - interval '2 days'")
    const next = await refresh(caller, refresh_token)
    expect(next.status).toBe(200)
    const again = await refresh(caller, refresh_token)
    expect([again.status, again.body.refresh_token]).toEqual([200, next.body.refresh_token])
  })

  test('returns a token that expires with the session at the latest, and 401 once it has expired', async () => {
    const account = await create()
    const { caller, username } = account
    await setColumns(account, "ends_at = now() + interval '2 days'")
    const last = await refresh(caller, account.refresh_token)
    expect(last.status).toBe(200)
    expect(await stateOf(account)).toMatchObject({ bounded: true, days: 2 })

    const unused = await logIn(caller, username, { kind: type })
    await setColumns(unused, "expires_at = now() - interval '1 second'")
    await expectRejected(caller, unused.refresh_token)
  })

  test('returns 401 for other tokens, and leaves the session alone', async () => {
    const account = await create()
    const other = await (type === 'users' ? newAdmin() : newUser())
    const [subject, counter, signature] = account.refresh_token.split('.')
    for (const token of [
      'garbage',
      account.access_token,
      other.refresh_token,
      `${subject}.${Number(counter) + 1}.${signature}`,
      `${account.refresh_token}=`,
    ]) {
      await expectRejected(account.caller, token)
    }
    expect(await stateOf(account)).toMatchObject({ revoked: false })
  })

  test('returns 401 for a disabled account', async () => {
    const { caller, id, refresh_token } = await create()
    await sql(`update ${type} set is_active = false where id = $1`, [id])
    await expectRejected(caller, refresh_token)
  })

  test('returns 422, as logout does, without a token', async () => {
    const { caller } = await create()
    for (const refresh_token of [undefined, '', 1, 'a'.repeat(513)]) {
      expectInvalid(await caller.post(path, { refresh_token }), 'refresh_token')
      expectInvalid(await caller.post(`/api/${type}/logout`, { refresh_token }), 'refresh_token')
    }
  })
})
