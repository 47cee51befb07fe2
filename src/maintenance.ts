import type { Bindings } from './context.ts'
import { type Database, DatabaseError } from './db/client.ts'
import { writeCountedFailures } from './db/failed-logins.ts'
import { findOverdueEmails, markRequeued } from './db/outbox.ts'
import { deleteBatch, maxAges, PRUNED_BATCH, type PrunedTable } from './db/pruning.ts'
import { ConfigurationError } from './env.ts'
import { writeLog } from './log.ts'
import { resourcesFor } from './resources.ts'

/** Messages that a queue takes in one call. */
const QUEUED_BATCH = 100

/** Batches in one run: of messages, and of the rows of each table. The rest waits for the next run. */
const MAX_BATCHES = { queued: 20, pruned: 40 }

/**
 * What the cron does: queues emails whose message was lost, writes counted failures to the audit trail, and
 * deletes what has expired. Each job fails alone.
 */
export async function runMaintenance(bindings: Bindings): Promise<void> {
  const resources = resourcesFor(bindings)
  if (resources instanceof ConfigurationError) return
  const { db, config } = resources
  await run('requeue_emails', async () => ({ requeued: await queueOverdueEmails(db, bindings) }))
  await run('count_failed_logins', () => writeCountedFailures(db, {}))
  await run('prune', () => prune(db, config))
}

async function run(job: string, work: () => Promise<Record<string, number>>) {
  try {
    writeLog('info', 'maintenance_done', { job, ...(await work()) })
  } catch (error) {
    writeLog('error', 'maintenance_failed', {
      job,
      reason: error instanceof DatabaseError ? error.code : 'unexpected_error',
    })
  }
}

/** Returns how many emails were queued. Marked after that: with the queue down, they stay overdue. */
async function queueOverdueEmails(db: Database, { MAIL_QUEUE }: Bindings): Promise<number> {
  let queued = 0
  for (let n = 0; n < MAX_BATCHES.queued; n++) {
    const ids = (await findOverdueEmails(db, { limit: QUEUED_BATCH })).map(({ id }) => id)
    if (ids.length > 0) {
      await MAIL_QUEUE.sendBatch(ids.map((id) => ({ body: { type: 'owed', id } as const })))
      await markRequeued(db, { ids })
    }
    queued += ids.length
    if (ids.length < QUEUED_BATCH) break
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
  const seconds = maxAges(auditRetentionSeconds)
  let tables = Object.keys(seconds) as PrunedTable[]
  const deleted = Object.fromEntries(tables.map((table) => [table, 0])) as Record<
    PrunedTable,
    number
  >
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
