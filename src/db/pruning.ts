import * as z from 'zod/mini'
import { one, write } from './statement.ts'

const DAY_SECONDS = 24 * 60 * 60

/** Seconds since the last login after which a network is one of strangers again: 90 days. */
const NETWORK_SECONDS = 90 * DAY_SECONDS

/** Rows that one statement deletes: it stays far below its time limit. */
export const PRUNED_BATCH = 5_000

const Deleted = z.object({ deleted: z.coerce.number() })

/**
 * Deletes the rows of a table whose `column` was `seconds` ago, or earlier: a batch of the oldest. They
 * are sorted, and their keys are an array, so that PostgreSQL takes the two indexes also while its
 * statistics are those of before a flood. Locked rows are left for the next run: an erasure holds
 * some of these rows while it waits for others, and would deadlock.
 */
const deleteOldest = (table: string, { key, column }: { key: string; column: string }) =>
  write({
    parameters: { seconds: 'integer' },
    returns: one(Deleted),
    sql: ($) => {
      const isDue = `${column} < now() - make_interval(secs => ${$.seconds})`
      return `
      with deleted as (
        delete from ${table} where ${isDue} and ${key} = any(array(
          select ${key} from ${table} where ${isDue} order by ${column} limit ${PRUNED_BATCH}
          for update skip locked
        )) returning 1
      )
      select count(*) as deleted from deleted`
    },
  })

export const deleteBatch = {
  user_sessions: deleteOldest('user_sessions', { key: 'id', column: 'expires_at' }),
  admin_sessions: deleteOldest('admin_sessions', { key: 'id', column: 'expires_at' }),
  attempts: deleteOldest('attempts', { key: 'key', column: 'resets_at' }),
  resets: deleteOldest('password_resets', { key: 'id', column: 'expires_at' }),
  admin_resets: deleteOldest('admin_password_resets', { key: 'id', column: 'expires_at' }),
  legacy_resets: deleteOldest('legacy_password_resets', {
    key: 'token_hash',
    column: 'expires_at',
  }),
  user_networks: deleteOldest('user_networks', { key: 'ctid', column: 'last_login_at' }),
  admin_networks: deleteOldest('admin_networks', { key: 'ctid', column: 'last_login_at' }),
  mails: deleteOldest('outbox', { key: 'id', column: 'created_at' }),
  audit_events: deleteOldest('audit_events', { key: 'id', column: 'at' }),
}

export type PrunedTable = keyof typeof deleteBatch

/**
 * While tokens of the former service are accepted, the session of one stays for as long as it could be sent
 * again: 7 days, or as long as the session's own tokens live.
 */
const LEGACY_SESSION_SECONDS = 8 * DAY_SECONDS

type Retention = { auditRetentionSeconds: number; legacy?: object | undefined }

/** Seconds after which the rows of a table go. */
export const maxAges = ({
  auditRetentionSeconds,
  legacy,
}: Retention): Record<PrunedTable, number> => ({
  // Also a session that was ended earlier: the index on expiry finds both.
  user_sessions: legacy ? LEGACY_SESSION_SECONDS : DAY_SECONDS,
  admin_sessions: legacy ? LEGACY_SESSION_SECONDS : DAY_SECONDS,
  attempts: 0,
  resets: 0,
  admin_resets: 0,
  legacy_resets: 0,
  user_networks: NETWORK_SECONDS,
  admin_networks: NETWORK_SECONDS,
  // An email that could never be sent stays, so that somebody can look into it.
  mails: 30 * DAY_SECONDS,
  audit_events: auditRetentionSeconds,
})
