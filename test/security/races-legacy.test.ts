/** Tokens and reset links of the former service, fifty at once. */
import { expect, test } from 'vitest'
import { resetPassword } from '../../src/db/password-resets.ts'
import { readLegacyResetToken } from '../../src/tokens/legacy.ts'
import { PASSWORD } from '../setup/accounts.ts'
import { sql } from '../setup/database.ts'
import {
  accepting,
  adoptedUser,
  client,
  LEFT,
  LEGACY_SECRET,
  legacyReset,
  legacyToken,
  returnedUser,
} from '../setup/legacy.ts'
import { atOnce, auditLines, resourcesOf, tally } from './attack.ts'
import { changePassword, refresh } from './calls.ts'

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

// As statements: an isolate hashes one password at a time, so that its requests hardly meet in the database.
test('16: of 50 parallel uses of one link with different passwords one succeeds, and its password remains', async () => {
  const { id } = await adoptedUser()
  const legacy = { secretKey: LEGACY_SECRET, until: Number.POSITIVE_INFINITY, longestLife: 0 }
  const resetId = readLegacyResetToken(await legacyReset(id), { legacy, now: 0 }) ?? ''
  const { db } = resourcesOf(accepting)
  const source = { requestId: crypto.randomUUID(), network: null, country: null }
  const uses = await atOnce(50, (i) =>
    resetPassword.legacy(db, {
      ...{ resetId, newHash: `hash ${i}`, emailId: crypto.randomUUID(), ...source },
    }),
  )
  expect(uses.filter((used) => used !== undefined)).toEqual([{ id }])
  const winner = uses.findIndex((used) => used !== undefined)
  expect(
    await sql('select hashed_password, password_version from users where id = $1', [id]),
  ).toEqual([{ hashed_password: `hash ${winner}`, password_version: 1 }])
  expect(await sql('select from legacy_password_resets where user_id = $1', [id])).toEqual([])
})
