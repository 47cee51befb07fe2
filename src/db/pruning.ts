import * as z from 'zod'
import type { Database } from './client.ts'
import { one, write } from './statement.ts'

const DAY_SECONDS = 24 * 60 * 60

/** Rows that one statement deletes: it stays far below its time limit. */
export const BATCH = 5_000

/** Statements for each table in one run. Whatever is left then waits for the next one. */
const MAX_BATCHES = 40

const Deleted = z.object({ deleted: z.coerce.number() })

/**
 * Deletes the rows of a table whose `column` was `seconds` ago, or earlier: a batch of the oldest. They
 * are sorted so that PostgreSQL takes the index of that column, also while its statistics are those of
 * before a flood.
 */
const deleteOldest = (table: string, { key, column }: { key: string; column: string }) =>
  write({
    parameters: { seconds: 'integer' },
    returns: one(Deleted),
    sql: ($) => {
      const isDue = `${column} < now() - make_interval(secs => ${$.seconds})`
      return `
      with deleted as (
        delete from ${table} where ${isDue} and ${key} in (
          select ${key} from ${table} where ${isDue} order by ${column} limit ${BATCH}
        ) returning 1
      )
      select count(*) as deleted from deleted`
    },
  })

export const deleteBatch = {
  user_sessions: deleteOldest('user_sessions', { key: 'id', column: 'expires_at' }),
  admin_sessions: deleteOldest('admin_sessions', { key: 'id', column: 'expires_at' }),
  attempts: deleteOldest('attempts', { key: 'key', column: 'resets_at' }),
  resets: deleteOldest('password_resets', { key: 'user_id', column: 'expires_at' }),
  mails: deleteOldest('outbox', { key: 'id', column: 'created_at' }),
  audit_events: deleteOldest('audit_events', { key: 'id', column: 'at' }),
}

type Table = keyof typeof deleteBatch

/** Seconds after which the rows of a table go. */
const ages = (auditRetentionSeconds: number): Record<Table, number> => ({
  // Also a session that was ended earlier: the index on expiry finds both.
  user_sessions: DAY_SECONDS,
  admin_sessions: DAY_SECONDS,
  attempts: 0,
  resets: 0,
  // An email that could never be sent stays, so that somebody can look into it.
  mails: 30 * DAY_SECONDS,
  audit_events: auditRetentionSeconds,
})

/**
 * Deletes what has expired: a batch of each table in turn, so that none waits for another, while there
 * are full ones. Returns how many rows of each.
 */
export async function prune(
  db: Database,
  { auditRetentionSeconds }: { auditRetentionSeconds: number },
): Promise<Record<Table, number>> {
  const deleted = {
    user_sessions: 0,
    admin_sessions: 0,
    attempts: 0,
    resets: 0,
    mails: 0,
    audit_events: 0,
  }
  const seconds = ages(auditRetentionSeconds)
  let tables = Object.keys(deleted) as Table[]
  for (let n = 0; n < MAX_BATCHES && tables.length > 0; n++) {
    const full: Table[] = []
    for (const table of tables) {
      const batch = await deleteBatch[table](db, { seconds: seconds[table] })
      deleted[table] += batch.deleted
      if (batch.deleted === BATCH) full.push(table)
    }
    tables = full
  }
  return deleted
}
