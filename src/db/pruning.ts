import * as z from 'zod'
import { one, write } from './statement.ts'

/** Days an email that could never be sent stays, so that somebody can look into it. */
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

/** A session that was ended earlier goes when it would have expired: the index on expiry finds both. */
const deleteEndedSessions = (sessions: string) => `
  delete from ${sessions} where id in (
    select id from ${sessions} where expires_at < now() - interval '1 day' limit ${BATCH}
  ) returning 1`

/** Deletes what has expired, and returns how many rows of each. */
export const prune = write({
  parameters: { auditRetentionSeconds: 'integer' },
  returns: one(Pruned),
  sql: ($) => `
    with user_sessions_gone as (${deleteEndedSessions('user_sessions')}),
    admin_sessions_gone as (${deleteEndedSessions('admin_sessions')}),
    attempts_gone as (
      delete from attempts where key in (
        select key from attempts where resets_at < now() limit ${BATCH}
      ) and resets_at < now() returning 1
    ), resets_gone as (
      delete from password_resets where expires_at < now() returning 1
    ), mails_gone as (
      delete from outbox
      where created_at < now() - make_interval(days => ${OUTBOX_DAYS}) returning 1
    ), audit_gone as (
      delete from audit_events where id in (
        select id from audit_events
        where at < now() - make_interval(secs => ${$.auditRetentionSeconds})
        order by at limit ${BATCH}
      ) returning 1
    )
    select
      (select count(*) from user_sessions_gone) + (select count(*) from admin_sessions_gone) as sessions,
      (select count(*) from attempts_gone) as attempts,
      (select count(*) from resets_gone) as resets,
      (select count(*) from mails_gone) as mails,
      (select count(*) from audit_gone) as audit_events`,
})
