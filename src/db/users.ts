import { sql } from 'drizzle-orm'
import * as z from 'zod'
import type { Principal } from './accounts.ts'
import { actorOf, calledName, oneAsActor, UserRead, usable, userColumns } from './accounts.ts'
import { auditLine, type RequestSource } from './audit-events.ts'
import { type Database, maybeOne, one } from './client.ts'
import { oweMail } from './outbox.ts'
import { passwordResets, users } from './schema.ts'

type NewUser = {
  username: string
  email: string
  fullName: string | null
  passwordHash: string
  mailId: string
  trace: RequestSource
}

/** Adds a user and owes the welcome mail. The unique indexes decide whether the names are free. */
export function insertUser({ write }: Database, user: NewUser) {
  return one(
    write,
    UserRead,
    sql`
    with created as (
      insert into ${users} (username, email, full_name, hashed_password)
      values (${user.username}, ${user.email}, ${user.fullName}, ${user.passwordHash})
      returning ${userColumns}
    ), owed as (${oweMail(
      { id: user.mailId, kind: 'welcome' },
      sql`'name', ${calledName}, 'username', a.username`,
      sql`from created a`,
    )}), audited as (${auditLine(
      { action: 'register', actor: { kind: 'user', id: sql`id` }, trace: user.trace },
      sql`from created`,
    )})
    select ${userColumns} from created`,
  )
}

/** The user behind an access token. No row: the session has ended. */
export const findUser = ({ read }: Database, claims: Principal) =>
  oneAsActor(
    read,
    UserRead,
    sql`with actor as (${actorOf(claims)}) select ${userColumns} from actor`,
  )

type ProfileChange = {
  username?: string | undefined
  email?: string | undefined
  fullName?: string | null | undefined
}

const ChangedUser = UserRead.extend({ email_changed: z.boolean() })

/**
 * Sets the fields that are given and no others, so that parallel changes are all kept. Another email
 * ends open password resets and owes a notice to the old address and the new one. No row: the
 * session has ended.
 */
export function updateUser(
  { write }: Database,
  claims: Principal,
  change: ProfileChange,
  {
    mailIds: [oldMailId, newMailId],
    trace,
  }: { mailIds: readonly [string, string]; trace: RequestSource },
) {
  const given = Object.values(change).some((value) => value !== undefined)
  const moved = sql`from moved a`
  const notice = sql`'name', ${calledName}, 'old_email', a.old_email, 'new_email', a.email`
  return oneAsActor(
    write,
    ChangedUser,
    sql`
    with actor as (${actorOf(claims)} for update of a), changed as (
      update ${users} u set
        username = coalesce(${change.username ?? null}, u.username),
        email = coalesce(${change.email ?? null}, u.email),
        full_name = ${change.fullName === undefined ? sql`u.full_name` : sql`${change.fullName}::text`},
        updated_at = ${given ? sql`now()` : sql`u.updated_at`},
        resets_void_until = case
          when lower(coalesce(${change.email ?? null}, u.email)) <> lower(u.email) then clock_timestamp()
          else u.resets_void_until end
      from actor where u.id = actor.id
      returning u.*, actor.email as old_email
    ), moved as (
      select * from changed where lower(email) <> lower(old_email)
    ), closed as (
      delete from ${passwordResets} where user_id in (select id from moved)
    ), told_old as (${oweMail({ id: oldMailId, kind: 'email-changed', to: sql`a.old_email` }, notice, moved)}),
    told_new as (${oweMail({ id: newMailId, kind: 'email-changed' }, notice, moved)}),
    audited as (${auditLine(
      {
        action: sql`case when lower(email) <> lower(old_email) then 'email_change' else 'profile_update' end`,
        actor: { kind: 'user', id: sql`id` },
        trace,
      },
      sql`from changed`,
    )})
    select ${userColumns}, lower(email) <> lower(old_email) as email_changed from changed`,
  )
}

/**
 * Deletes the caller's own account softly: it is out of every list, its sessions end, its names stay
 * taken, and an admin can restore it. No row: the account changed meanwhile.
 */
export function deleteOwnUser(
  { write }: Database,
  {
    accountId,
    checkedHash,
    trace,
  }: { accountId: number; checkedHash: string; trace: RequestSource },
) {
  return maybeOne(
    write,
    z.object({ id: z.int() }),
    sql`
    with deleted as (
      update ${users} a set
        deleted_at = now(), updated_at = now(), session_epoch = session_epoch + 1, kept_session = null
      where a.id = ${accountId} and a.hashed_password = ${checkedHash} and ${usable}
      returning id
    ), closed as (
      delete from ${passwordResets} where user_id in (select id from deleted)
    ), audited as (${auditLine(
      { action: 'account_deleted', actor: { kind: 'user', id: sql`id` }, trace },
      sql`from deleted`,
    )})
    select id from deleted`,
  )
}
