import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import type { AccountType } from './accounts.ts'
import { tables, usable } from './accounts.ts'
import { accountAttempts, clearAttempts, countAttempt, PASSWORD_ATTEMPTS } from './attempts.ts'
import { auditLine, type RequestSource } from './audit-events.ts'
import { type Database, maybeOne, one } from './client.ts'
import { type Device, SESSION_SECONDS } from './sessions.ts'

const LoginAttempt = z.object({
  count: z.int(),
  resets_in: z.int(),
  id: z.int().nullable(),
  hashed_password: z.string().nullable(),
  usable: z.boolean().nullable(),
})

/** One try to log in: how many there were, and the account if there is one. */
export type LoginAttempt = z.output<typeof LoginAttempt>

/**
 * Counts a try and finds the account, known or not in one way. An identifier with an `@` is an
 * email; a username can't hold one, so nobody can take another's email for a username.
 *
 * @param unknownKey names the identifier in the table of attempts when no account has it
 */
export function countLogin(
  { write }: Database,
  kind: AccountType,
  { identifier, unknownKey }: { identifier: string; unknownKey: string },
): Promise<LoginAttempt> {
  const column = sql.raw(identifier.includes('@') ? 'email' : 'username')
  return one(
    write,
    LoginAttempt,
    sql`
    with account as (
      select a.id, a.hashed_password, ${usable} as usable from ${tables[kind].accounts} a
      where lower(a.${column}) = lower(${identifier})
    ), attempt as (${countAttempt(
      sql`select coalesce((select ${accountAttempts(kind, sql`id`)} from account), ${unknownKey})`,
      PASSWORD_ATTEMPTS,
    )})
    select count, resets_in, id, hashed_password, usable from attempt left join account on true`,
  )
}

const Opened = z.object({ id: z.int(), ranked: z.boolean() })

type NewSession = {
  /** The account with the hash that was compared: if that is no longer the stored one, no session. */
  checked: Pick<LoginAttempt, 'id' | 'hashed_password'>
  /** A more expensive hash of the same password, if the stored one is too cheap. */
  newHash: string | undefined
  sessionId: string
  device: Device
  refreshTokenSeconds: number
  trace: RequestSource
}

/** Opens a session, clears failed attempts, replaces a cheap hash. No row: the account changed meanwhile. */
export function openSession({ write }: Database, kind: AccountType, session: NewSession) {
  const { accounts, sessions, rank } = tables[kind]
  const rehash: SQL = session.newHash
    ? sql`, rehashed as (
        update ${accounts} set hashed_password = ${session.newHash}
        where id = ${session.checked.id} and hashed_password = ${session.checked.hashed_password}
      )`
    : sql``
  return maybeOne(
    write,
    Opened,
    sql`
    with account as (
      select a.id, a.session_epoch, a.${rank} as ranked from ${accounts} a
      where a.id = ${session.checked.id} and a.hashed_password = ${session.checked.hashed_password} and ${usable}
    ), opened as (
      insert into ${sessions} (id, account_id, epoch, expires_at, ends_at, user_agent, place)
      select ${session.sessionId}::uuid, id, session_epoch,
        now() + make_interval(secs => ${Math.min(session.refreshTokenSeconds, SESSION_SECONDS)}),
        now() + make_interval(secs => ${SESSION_SECONDS}),
        ${session.device.userAgent}::text, ${session.device.place}::text
      from account
    )${rehash}, cleared as (${clearAttempts(kind, sql`account`)}),
    audited as (${auditLine(
      { action: 'login', actor: { kind, id: sql`id` }, trace: session.trace },
      sql`from account`,
    )})
    select id, ranked from account`,
  )
}
