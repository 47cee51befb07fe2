import { sql } from 'drizzle-orm'
import * as z from 'zod'
import type { AccountType, Principal } from './accounts.ts'
import { actorOf, alive, manyAsActor, oneAsActor, tables } from './accounts.ts'
import { auditLine, type RequestSource } from './audit-events.ts'
import { type Database, maybeOne, one } from './client.ts'

/** A session at one point of its rotation (RFC 9700 section 4.14.2). */
export type RefreshSubject = { sessionId: string; counter: number }

/** The device and place a login came from, as far as a header and the edge tell. */
export type Device = { userAgent: string | null; place: string | null }

/** Seconds after a login when it ends whatever is done with it: 30 days (security sheet 11). */
export const SESSION_SECONDS = 30 * 24 * 60 * 60

/**
 * Seconds in which the token before the newest gets the same successor: two tabs, or a
 * retry after a lost response, are not theft. Half a minute covers a slow phone's retry.
 */
const GRACE_SECONDS = 30

const Rotated = z.object({
  account_id: z.int(),
  counter: z.int(),
  ranked: z.boolean(),
  reused: z.boolean(),
})

/**
 * Refresh token rotation in one `UPDATE`, decided on the locked row, so that parallel callers agree.
 * The newest counter moves on; the one before it, within the grace time, gets the same successor;
 * an older one is theft and ends the session (`reused`). A counter ahead of ours is a token we made
 * before the database was restored from a backup: it goes on from there.
 */
export function rotateSession(
  { write }: Database,
  kind: AccountType,
  { sessionId, counter }: RefreshSubject,
  { refreshTokenSeconds, trace }: { refreshTokenSeconds: number; trace: RequestSource },
) {
  const { accounts, sessions, rank } = tables[kind]
  const newest = sql`s.counter <= ${counter}`
  const inGrace = sql`(s.counter = ${counter} + 1 and s.rotated_at > now() - make_interval(secs => ${GRACE_SECONDS}))`
  return maybeOne(
    write,
    Rotated,
    sql`
    with rotated as (
      update ${sessions} s set
        counter = case when ${newest} then ${counter} + 1 else s.counter end,
        rotated_at = case when ${newest} then now() else s.rotated_at end,
        expires_at = case when ${newest}
          then least(now() + make_interval(secs => ${refreshTokenSeconds}), s.ends_at)
          else s.expires_at end,
        last_used_at = now(),
        revoked_at = case when ${newest} or ${inGrace} then null else now() end
      from ${accounts} a
      where s.id = ${sessionId}::uuid and a.id = s.account_id and ${alive}
      returning s.account_id, s.counter, a.${rank} as ranked, s.revoked_at is not null as reused
    ), audited as (${auditLine(
      {
        action: 'refresh_token_reuse',
        actor: undefined,
        target: { kind, id: sql`account_id` },
        trace,
        reason: 'older_than_grace',
      },
      sql`from rotated where reused`,
    )})
    select account_id, counter, ranked, reused from rotated`,
  )
}

const Logout = z.object({ ended: z.boolean() })

/** Ends the session of a refresh token, newest or not. Nothing happens to one already ended. */
export function endSession(
  { write }: Database,
  kind: AccountType,
  sessionId: string,
  trace: RequestSource,
) {
  return one(
    write,
    Logout,
    sql`
    with ended as (
      update ${tables[kind].sessions} set revoked_at = now()
      where id = ${sessionId}::uuid and revoked_at is null
      returning account_id
    ), audited as (${auditLine(
      { action: 'logout', actor: { kind, id: sql`account_id` }, trace },
      sql`from ended`,
    )})
    select exists (select from ended) as ended`,
  )
}

export const SessionRead = z
  .object({
    id: z.uuid(),
    device: z.string().nullable(),
    place: z.string().nullable(),
    created_at: z.coerce.date(),
    last_used_at: z.coerce.date(),
    expires_at: z.coerce.date(),
    current: z.boolean(),
  })
  .meta({ id: 'SessionRead' })

/** The sessions of an account that count, newest use first. None: the caller's own has ended. */
export const listSessions = ({ read }: Database, claims: Principal) =>
  manyAsActor(
    read,
    SessionRead,
    sql`
    with actor as (${actorOf(claims)})
    select s.id, s.user_agent as device, s.place, s.created_at, s.last_used_at, s.expires_at,
      s.id = ${claims.sessionId}::uuid as current
    from actor a join ${tables[claims.kind].sessions} s on s.account_id = a.id
    where ${alive} order by s.last_used_at desc, s.id`,
  )

const Revoked = z.object({ found: z.boolean() })

/** Ends one session of the caller's account. No row: the caller's own has ended. */
export const revokeSession = (
  { write }: Database,
  claims: Principal,
  sessionId: string,
  trace: RequestSource,
) =>
  oneAsActor(
    write,
    Revoked,
    sql`
    with actor as (${actorOf(claims)}), ended as (
      update ${tables[claims.kind].sessions} s set revoked_at = now()
      from actor a
      where s.id = ${sessionId}::uuid and s.account_id = a.id and ${alive}
      returning s.account_id
    ), audited as (${auditLine(
      { action: 'session_revoked', actor: { kind: claims.kind, id: sql`account_id` }, trace },
      sql`from ended`,
    )})
    select exists (select from ended) as found from actor`,
  )

const Ended = z.object({ id: z.int() })

/**
 * Ends all sessions of the caller's account but this one. No row: this one has ended. The account is
 * locked first: a session that a password reset is ending at this moment must not spare itself.
 */
export const revokeOtherSessions = ({ write }: Database, claims: Principal, trace: RequestSource) =>
  oneAsActor(
    write,
    Ended,
    sql`
    with actor as (${actorOf(claims)} for update of a), ended as (
      update ${tables[claims.kind].accounts} set
        session_epoch = session_epoch + 1, kept_session = ${claims.sessionId}::uuid
      where id = (select id from actor) returning id
    ), audited as (${auditLine(
      { action: 'other_sessions_revoked', actor: { kind: claims.kind, id: sql`id` }, trace },
      sql`from ended`,
    )})
    select id from ended`,
  )
