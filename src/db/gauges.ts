import * as z from 'zod/mini'
import { type AccountTables, forEachAccountType } from './accounts.ts'
import { PASSWORD_ATTEMPTS } from './caps.ts'
import { ABANDONED_SECONDS } from './outbox.ts'
import { one, read } from './statement.ts'

/**
 * Pages of a table of sessions that are counted: 4 MB. Of a larger one about as many are a sample, drawn evenly,
 * and the count an estimate that is off by a few percent.
 */
const SAMPLED_PAGES = 512

const count = z.coerce.number().check(z.int())

const Gauges = z.object({
  active_users: count,
  disabled_users: count,
  deleted_users: count,
  active_admins: count,
  disabled_admins: count,
  deleted_admins: count,
  user_sessions: count,
  admin_sessions: count,
  locked_users: count,
  locked_admins: count,
  outbox_pending: count,
  outbox_oldest_seconds: z.coerce.number(),
  outbox_abandoned: count,
})

export type Gauges = z.output<typeof Gauges>

/**
 * The sessions that are neither revoked nor expired. Those that ended with all others of their account, as by
 * a change of its password, count until they expire: to look up thousands of accounts takes seconds when
 * they are not cached. The seed makes successive samples the same pages, so that estimates don't jump.
 */
const openSessions = forEachAccountType(({ sessions }: AccountTables) => {
  const pages = `(pg_relation_size('${sessions}') / current_setting('block_size')::integer)`
  return `
    select round(count(*) filter (where revoked_at is null and expires_at > now()) * case
      when ${pages} <= ${SAMPLED_PAGES} then 1
      else ${pages}::numeric / greatest(1, count(distinct (ctid::text::point)[0]))
    end)
    from ${sessions} tablesample system (least(100, ${SAMPLED_PAGES} * 100.0 / greatest(1, ${pages})))
      repeatable (1)`
})

/** Accounts with an open wait, at any network: the network follows the id in the key. */
const locked = forEachAccountType(
  ({ accountType }) => `
    select count(distinct split_part(key, '@', 1)) from attempts
    where key like '${accountType}:%' and count >= ${PASSWORD_ATTEMPTS.max} and resets_at > now()`,
)

/** What a scrape of the metrics asks the database. */
export const readGauges = read({
  parameters: {},
  returns: one(Gauges),
  sql: () => `
    select live.*, gone.*, admins.*, mails.*,
      (${openSessions.user}) as user_sessions, (${openSessions.admin}) as admin_sessions,
      (${locked.user}) as locked_users, (${locked.admin}) as locked_admins
    from (
      select coalesce(sum(total) filter (where is_active), 0) as active_users,
        coalesce(sum(total) filter (where not is_active), 0) as disabled_users
      from user_totals
    ) as live, (
      select coalesce(sum(total), 0) as deleted_users from deleted_user_totals
    ) as gone, (
      select count(*) filter (where is_active and deleted_at is null) as active_admins,
        count(*) filter (where not is_active and deleted_at is null) as disabled_admins,
        count(*) filter (where deleted_at is not null) as deleted_admins
      from admins
    ) as admins, (
      select count(*) filter (where is_sendable) as outbox_pending,
        count(*) filter (where not is_sendable) as outbox_abandoned,
        coalesce(extract(epoch from now() - min(created_at) filter (where is_sendable)), 0)
          as outbox_oldest_seconds
      from (
        select created_at, created_at > now() - make_interval(secs => ${ABANDONED_SECONDS})
          as is_sendable
        from outbox
      ) as emails
    ) as mails`,
})
