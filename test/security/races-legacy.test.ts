/** Tokens and reset links of the former service, fifty at once. */
import { expect, test } from 'vitest'
import { PASSWORD } from '../setup/accounts.ts'
import { visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import {
  accepting,
  adoptedUser,
  LEFT,
  legacyReset,
  legacyToken,
  returnedUser,
} from '../setup/legacy.ts'
import { atOnce, auditLines, tally } from './attack.ts'
import { changePassword, login, refresh, resetPassword } from './calls.ts'

const client = () => visitor({ env: accepting })
const exchange = (token = '') => refresh(token, { client: client() })

test('9: 50 parallel exchanges open one session: all get the same refresh token', async () => {
  const { id } = await adoptedUser()
  const token = legacyToken(id)
  const responses = await atOnce(50, () => exchange(token))
  expect(tally(responses)).toEqual({ 200: 50 })
  expect(new Set(responses.map(({ body }) => body.refresh_token)).size).toBe(1)
  expect(await sql('select id from user_sessions where account_id = $1', [id])).toHaveLength(1)
  const actions = (await auditLines('user', id)).map(({ action }) => action)
  expect(actions.filter((action) => action === 'legacy_refresh_token_exchanged')).toHaveLength(1)
})

test('9: devices have sessions of their own; at the 51st the one that was not used for longest ends', async () => {
  const { id } = await adoptedUser()
  const tokens = Array.from({ length: 51 }, (_, i) => legacyToken(id, LEFT.refresh - i))
  const responses = await atOnce(51, (i) => exchange(tokens[i] ?? ''))
  expect(tally(responses)).toEqual({ 200: 51 })
  const [{ open } = { open: 0 }] = await sql<{ open: number }>(
    'select count(*)::int as open from user_sessions where account_id = $1 and revoked_at is null',
    [id],
  )
  expect(open).toBe(50)
})

// Not 50, which would end the session that changes it.
test('10: a change of the password beside 49 exchanges leaves no session open that an old token opened', async () => {
  const { id, access_token } = await returnedUser()
  const tokens = Array.from({ length: 49 }, (_, i) => legacyToken(id, LEFT.refresh - i))
  const [changed, responses] = await Promise.all([
    changePassword(access_token, PASSWORD),
    atOnce(49, (i) => exchange(tokens[i] ?? '')),
  ])
  expect(changed.status).toBe(200)
  expect(Object.keys(tally(responses)).every((status) => /^(200|401)$/.test(status))).toBe(true)
  for (const { status, body } of responses) {
    if (status === 200) expect((await refresh(body.refresh_token)).status).toBe(401)
  }
})

test('16: 50 parallel uses of one link with different passwords: one succeeds, and only its password logs in', async () => {
  const { id, username } = await adoptedUser()
  const token = await legacyReset(id)
  const passwords = Array.from({ length: 50 }, (_, i) => `a long password ${i}`)
  const responses = await atOnce(50, (i) =>
    resetPassword(token, passwords[i], { client: client() }),
  )
  const { 200: succeeded, ...others } = tally(responses)
  expect(succeeded).toBe(1)
  expect(Object.keys(others).every((status) => /^(400|503)$/.test(status))).toBe(true)
  const winner = responses.findIndex(({ status }) => status === 200)
  expect((await login(username, passwords[winner])).status).toBe(200)
  expect((await login(username, passwords[winner === 0 ? 1 : 0])).status).toBe(401)
}, 60_000)
