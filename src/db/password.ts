import { sql } from 'drizzle-orm'
import * as z from 'zod'
import type { Principal } from './accounts.ts'
import { actorOf, alive, calledName, oneAsActor, tables, usable } from './accounts.ts'
import {
  accountAttempts,
  clearAttempts,
  countAttempt,
  PASSWORD_ATTEMPTS,
  RESET_MAILS,
} from './attempts.ts'
import { auditLine, type RequestSource } from './audit-events.ts'
import { type Database, maybeOne } from './client.ts'
import { oweMail } from './outbox.ts'
import { passwordResets, users } from './schema.ts'

const Owner = z.object({
  id: z.int(),
  username: z.string(),
  email: z.string(),
  full_name: z.string().nullable(),
  hashed_password: z.string().nullable(),
})

const PasswordAttempt = Owner.extend({ count: z.int(), resets_in: z.int() })

/** Counts a try at the caller's own password and finds the account. No row: the session has ended. */
export const countPasswordCheck = ({ write }: Database, claims: Principal) =>
  oneAsActor(
    write,
    PasswordAttempt,
    sql`
    with actor as (${actorOf(claims)}), attempt as (${countAttempt(
      sql`select ${accountAttempts(claims.kind, sql`id`)} from actor`,
      PASSWORD_ATTEMPTS,
    )})
    select count, resets_in, id, username, email, full_name, hashed_password
    from actor, attempt`,
  )

/** Clears the attempts at the caller's password, once it was proven. */
export const forgetPasswordChecks = ({ write }: Database, { kind, accountId }: Principal) =>
  write.execute(clearAttempts(kind, sql`(values (${accountId}::int)) as proven (id)`))

const Done = z.object({ id: z.int() })

type PasswordChange = { checkedHash: string; newHash: string; mailId: string; trace: RequestSource }

/**
 * Sets a new password, ends all sessions but the caller's, closes open resets, owes the notice. No
 * row: the account or the session changed since the current password was compared.
 */
export function changePassword({ write }: Database, claims: Principal, change: PasswordChange) {
  const { kind, accountId, sessionId } = claims
  const { accounts, sessions } = tables[kind]
  return maybeOne(
    write,
    Done,
    sql`
    with changed as (
      update ${accounts} a set
        hashed_password = ${change.newHash}, updated_at = now(),
        session_epoch = a.session_epoch + 1, kept_session = s.id
      from ${sessions} s
      where s.id = ${sessionId}::uuid and a.id = ${accountId} and s.account_id = a.id
        and a.hashed_password = ${change.checkedHash} and ${alive}
      returning a.*
    ), closed as (
      delete from ${passwordResets}
      where ${kind}::text = 'user' and user_id in (select id from changed)
    ), cleared as (${clearAttempts(kind, sql`changed`)}),
    owed as (${oweMail(
      { id: change.mailId, kind: 'password-changed' },
      sql`'name', ${calledName}, 'place', ${change.trace.country}::text`,
      sql`from changed a`,
    )}), audited as (${auditLine(
      { action: 'password_change', actor: { kind, id: sql`id` }, trace: change.trace },
      sql`from changed`,
    )})
    select id from changed`,
  )
}

const ResetMail = z.object({ id: z.int(), email: z.string(), name: z.string() })

type ResetRequest = {
  resetId: string
  email: string
  /** ISO 8601. */
  requestedAt: string
  resetTokenSeconds: number
  trace: RequestSource
}

/**
 * Makes `resetId` the valid reset of the account that has this email. No row: nobody has it, the
 * account had its mails for this hour, or a newer request was served already. Asked again for the
 * same id, it changes nothing and returns the same, so that a redelivered message sends the same link.
 */
export function issueReset({ write }: Database, request: ResetRequest) {
  const isNewest = sql`(
    a.reset_requested_at is null or a.reset_requested_at < ${request.requestedAt}::timestamptz
  )`
  return maybeOne(
    write,
    ResetMail,
    sql`
    with account as (
      select a.id, a.email, ${calledName} as name, ${isNewest} as newest from ${users} a
      where lower(a.email) = lower(${request.email}) and ${usable}
    ), known as (
      select account.* from account join ${passwordResets} r on r.user_id = account.id
      where r.id = ${request.resetId}::uuid and r.expires_at > now()
    ), attempt as (${countAttempt(
      sql`select 'reset-mail:' || id from account where newest`,
      RESET_MAILS,
    )}), newest as (
      update ${users} a set reset_requested_at = ${request.requestedAt}::timestamptz
      from account, attempt
      where a.id = account.id and count <= ${RESET_MAILS.max} and ${isNewest}
        and lower(a.email) = lower(${request.email}) and ${usable}
      returning a.id
    ), issued as (
      insert into ${passwordResets} as r (user_id, id, expires_at)
      select id, ${request.resetId}::uuid, now() + make_interval(secs => ${request.resetTokenSeconds})
      from newest
      on conflict (user_id) do update set
        id = excluded.id, expires_at = excluded.expires_at, issued_at = clock_timestamp()
      returning user_id
    ), audited as (${auditLine(
      {
        action: 'password_reset_requested',
        actor: undefined,
        target: { kind: 'user', id: sql`user_id` },
        trace: request.trace,
      },
      sql`from issued`,
    )})
    select id, email, name from account
    where exists (select from issued) or exists (select from known)`,
  )
}

/**
 * Whether the email is still the one that the reset `r` of `a` was mailed to. A change of email deletes
 * open resets, but can't see one that is being issued at the same moment.
 */
const stillValid = sql.raw("r.issued_at > coalesce(a.resets_void_until, '-infinity')")

/** The owner of a reset that may still be used. */
export const findReset = ({ read }: Database, resetId: string) =>
  maybeOne(
    read,
    Owner,
    sql`
    select a.id, a.username, a.email, a.full_name, a.hashed_password
    from ${passwordResets} r join ${users} a on a.id = r.user_id
    where r.id = ${resetId}::uuid and r.expires_at > now() and ${usable} and ${stillValid}`,
  )

type Reset = { resetId: string; newHash: string; mailId: string; trace: RequestSource }

/**
 * Uses a reset: whoever deletes its row sets the password, ends all sessions and owes the notice. No
 * row: it was used, replaced or expired meanwhile.
 */
export const resetPassword = ({ write }: Database, reset: Reset) =>
  maybeOne(
    write,
    Done,
    sql`
    with used as (
      delete from ${passwordResets}
      where id = ${reset.resetId}::uuid and expires_at > now() returning user_id, issued_at
    ), changed as (
      update ${users} a set
        hashed_password = ${reset.newHash}, updated_at = now(),
        session_epoch = session_epoch + 1, kept_session = null
      from used r where a.id = r.user_id and ${usable} and ${stillValid}
      returning a.*
    ), cleared as (${clearAttempts('user', sql`changed`)}),
    owed as (${oweMail(
      { id: reset.mailId, kind: 'password-changed' },
      sql`'name', ${calledName}, 'place', ${reset.trace.country}::text`,
      sql`from changed a`,
    )}), audited as (${auditLine(
      { action: 'password_reset', actor: { kind: 'user', id: sql`id` }, trace: reset.trace },
      sql`from changed`,
    )})
    select id from changed`,
  )
