import { sql } from 'drizzle-orm'
import * as z from 'zod'
import { type Database, maybeOne } from './client.ts'
import {
  adminSessions,
  attempts,
  auditEvents,
  outbox,
  passwordResets,
  userSessions,
} from './schema.ts'

/** Days a mail that could never be sent stays, so that somebody can look into it. */
const OUTBOX_DAYS = 30

/** Rows of a table that go in one run: the statement stays far below its time limit. */
const BATCH = 5_000

const Pruned = z.object({
  sessions: z.coerce.number(),
  attempts: z.coerce.number(),
  resets: z.coerce.number(),
  mails: z.coerce.number(),
  audit_events: z.coerce.number(),
})

/** Deletes what has expired, and returns how many rows of each. */
export function prune(
  { write }: Database,
  { auditRetentionSeconds }: { auditRetentionSeconds: number },
) {
  // One that was ended earlier goes when it would have expired: the index on expiry finds both.
  const ended = sql`expires_at < now() - interval '1 day'`
  return maybeOne(
    write,
    Pruned,
    sql`
    with user_sessions_gone as (
      delete from ${userSessions} where id in (
        select id from ${userSessions} where ${ended} limit ${BATCH}
      ) returning 1
    ), admin_sessions_gone as (
      delete from ${adminSessions} where id in (
        select id from ${adminSessions} where ${ended} limit ${BATCH}
      ) returning 1
    ), attempts_gone as (
      delete from ${attempts} where key in (
        select key from ${attempts} where resets_at < now() limit ${BATCH}
      ) and resets_at < now() returning 1
    ), resets_gone as (
      delete from ${passwordResets} where expires_at < now() returning 1
    ), mails_gone as (
      delete from ${outbox}
      where created_at < now() - make_interval(days => ${OUTBOX_DAYS}) returning 1
    ), audit_gone as (
      delete from ${auditEvents} where id in (
        select id from ${auditEvents}
        where at < now() - make_interval(secs => ${auditRetentionSeconds})
        order by at limit ${BATCH}
      ) returning 1
    )
    select
      (select count(*) from user_sessions_gone) + (select count(*) from admin_sessions_gone) as sessions,
      (select count(*) from attempts_gone) as attempts,
      (select count(*) from resets_gone) as resets,
      (select count(*) from mails_gone) as mails,
      (select count(*) from audit_gone) as audit_events`,
  )
}
