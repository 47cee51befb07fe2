import type { Bindings } from './context.ts'
import { type Database, DatabaseError } from './db/client.ts'
import { claimOverdueEmails } from './db/outbox.ts'
import { deleteBatch, maxAges, PRUNED_BATCH, type PrunedTable } from './db/pruning.ts'
import { ConfigurationError } from './env.ts'
import { writeLog } from './log.ts'
import { resourcesFor } from './resources.ts'

/** Messages that a queue takes in one call. */
const QUEUED_BATCH = 100

/** Batches in one run: of messages, and of the rows of each table. The rest waits for the next run. */
const MAX_BATCHES = { queued: 20, pruned: 40 }

/** What the cron does: queues emails whose message was lost, and deletes what has expired. */
export async function runMaintenance(bindings: Bindings): Promise<void> {
  const resources = resourcesFor(bindings)
  if (resources instanceof ConfigurationError) return
  const { db, config } = resources
  try {
    const requeued = await queueOverdueEmails(db, bindings)
    const { user_sessions, admin_sessions, ...deleted } = await prune(db, config)
    const sessions = user_sessions + admin_sessions
    writeLog('info', 'maintenance_done', { requeued, sessions, ...deleted })
  } catch (error) {
    writeLog('error', 'maintenance_failed', {
      reason: error instanceof DatabaseError ? error.code : 'unexpected_error',
    })
  }
}

/** Returns how many emails were queued. An email that was claimed but not queued is due again in an hour. */
async function queueOverdueEmails(db: Database, { MAIL_QUEUE }: Bindings): Promise<number> {
  let queued = 0
  for (let n = 0; n < MAX_BATCHES.queued; n++) {
    const overdue = await claimOverdueEmails(db, { limit: QUEUED_BATCH })
    if (overdue.length > 0) {
      await MAIL_QUEUE.sendBatch(overdue.map(({ id }) => ({ body: { type: 'owed', id } as const })))
    }
    queued += overdue.length
    if (overdue.length < QUEUED_BATCH) break
  }
  return queued
}

/**
 * Deletes what has expired: a batch of each table in turn, so that none waits for another, while there
 * are full ones. Returns how many rows of each.
 */
async function prune(
  db: Database,
  { auditRetentionSeconds }: { auditRetentionSeconds: number },
): Promise<Record<PrunedTable, number>> {
  const deleted = {
    ...{ user_sessions: 0, admin_sessions: 0, attempts: 0 },
    ...{ resets: 0, mails: 0, audit_events: 0 },
  }
  const seconds = maxAges(auditRetentionSeconds)
  let tables = Object.keys(deleted) as PrunedTable[]
  for (let n = 0; n < MAX_BATCHES.pruned && tables.length > 0; n++) {
    const full: PrunedTable[] = []
    for (const table of tables) {
      const batch = await deleteBatch[table](db, { seconds: seconds[table] })
      deleted[table] += batch.deleted
      if (batch.deleted === PRUNED_BATCH) full.push(table)
    }
    tables = full
  }
  return deleted
}
