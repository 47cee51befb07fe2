/**
 * Statements on one account, fifty at once, that all wait for its row: what they see of other tables is
 * older than what they find in the row. One isolate hashes one password at a time, so its calls hardly
 * meet in the database; those of many isolates do, and these statements are what they run.
 */
import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { issueReset, resetPassword } from '../../src/db/password-resets.ts'
import { changePassword } from '../../src/db/passwords.ts'
import { newAdmin, newUser } from '../setup/accounts.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { atOnce, auditLines, resourcesOf } from './attack.ts'

const CROWD = 50

/** Milliseconds in which all of them arrive. */
const HELD_MS = 700

const { db } = resourcesOf()

const ACCOUNTS = [
  ['users', 'user', newUser],
  ['admins', 'admin', newAdmin],
] as const

type Table = (typeof ACCOUNTS)[number][0]

/** Runs `act` fifty times while another transaction holds the row of the account, and then lets it go. */
async function atOnceOn<Result>(table: Table, id: number, act: (index: number) => Promise<Result>) {
  const held = sql(
    `with held as (select from ${table} where id = $1 for update)
     select pg_sleep($2) from held`,
    [id, HELD_MS / 1000],
  )
  await scheduler.wait(HELD_MS / 5)
  const outcomes = await atOnce(CROWD, (i) =>
    act(i).catch((error: unknown) => {
      throw new Error(`Statement ${i} failed: ${error}`)
    }),
  )
  await held
  return outcomes
}

const source = (network: string | null = null) => ({
  requestId: crypto.randomUUID(),
  network,
  country: null,
})

const resetIdIn = (token: string) => token.split('.')[0] ?? ''

/** A request for a reset, the one with the highest number the newest. */
const request = (email: string, number: number, network: string | null = null) => ({
  ...{ resetId: crypto.randomUUID(), email, resetTokenSeconds: 3600 },
  requestedAt: new Date(Date.now() + number).toISOString(),
  ...source(network),
})

test.each(ACCOUNTS)(
  '9: resets, changes of the password and requests for resets of one account of %s, 50 at once, never deadlock',
  async (table, accountType, create) => {
    const { id, email, access_token } = await create()
    const { sid: sessionId } = decodeJwt<{ sid: string }>(access_token)
    for (let round = 0; round < 3; round++) {
      const [account] = await sql<{ hash: string; version: number }>(
        `select hashed_password as hash, password_version as version from ${table} where id = $1`,
        [id],
      )
      const { hash: newHash = '', version: passwordVersion = 0 } = account ?? {}
      await sql(`update ${table} set kept_session = $2 where id = $1`, [id, sessionId])
      const resetId = resetIdIn(await resetTokenOf(id, 60, accountType))
      const acts = [
        (emailId: string) =>
          changePassword[accountType](db, {
            ...{ accountId: id, sessionId, passwordVersion, newHash, emailId },
            ...source(),
          }),
        (emailId: string) =>
          resetPassword[accountType](db, { resetId, newHash, emailId, ...source() }),
        (_: string, i: number) => issueReset[accountType](db, request(email, i)),
      ]
      const outcomes = await atOnceOn(table, id, async (i) =>
        acts[i % acts.length]?.(crypto.randomUUID(), i),
      )
      expect(outcomes.filter((each) => each !== undefined).length).toBeGreaterThan(0)
    }
  },
  60_000,
)

test.each(ACCOUNTS)(
  '16 (CVE-2026-18963): of 50 resets of one account of %s with one token that all wait for the account, one succeeds',
  async (table, accountType, create) => {
    const { id } = await create()
    const resetId = resetIdIn(await resetTokenOf(id, 60, accountType))
    const outcomes = await atOnceOn(table, id, (i) =>
      resetPassword[accountType](db, {
        ...{ resetId, newHash: `hash ${i}`, emailId: crypto.randomUUID() },
        ...source(),
      }),
    )
    const winners = outcomes.flatMap((reset, i) => (reset ? [i] : []))
    expect(winners).toHaveLength(1)
    const after = await sql(
      `select hashed_password, password_version from ${table} where id = $1`,
      [id],
    )
    expect(after).toEqual([{ hashed_password: `hash ${winners[0]}`, password_version: 1 }])
  },
)

test.each(ACCOUNTS)(
  '18: 50 requests at once, from ten networks, send an account of %s at most six emails with at most three links',
  async (table, accountType, create) => {
    const { id, email } = await create()
    const outcomes = await atOnceOn(table, id, (i) =>
      issueReset[accountType](db, request(email, i, `10.0.${i % 10}.0/24`)),
    )
    const sent = outcomes.filter((each) => each !== undefined)
    expect(sent.length).toBeGreaterThan(0)
    expect(sent.length).toBeLessThanOrEqual(6)
    expect(new Set(sent.map(({ reset_id }) => reset_id)).size).toBeLessThanOrEqual(3)
    const lines = await auditLines(accountType, id)
    expect(lines.filter(({ action }) => action === 'password_reset_requested')).toHaveLength(
      sent.length,
    )
  },
)

test('18: emails that strangers have sent to the address of an admin do not keep the link of a reset from the admin', async () => {
  const { email } = await newAdmin()
  await sql(
    `insert into attempts select 'email-request:' || encode(sha256($1::bytea), 'hex'), 99, now() + interval '1 day'`,
    [`\\x${Buffer.from(email).toString('hex')}`],
  )
  expect(await issueReset.admin(db, request(email, 1))).toMatchObject({ email, minutes: 60 })
})
