import type { Bindings } from './context.ts'
import { DatabaseError } from './db/client.ts'
import { claimOverdueEmails } from './db/outbox.ts'
import { prune } from './db/pruning.ts'
import { ConfigurationError } from './env.ts'
import { writeLog } from './log.ts'
import { resourcesFor } from './resources.ts'

/** Messages that a queue takes in one call. */
const BATCH = 100

/** What the cron does: queues emails whose message was lost, and deletes what has expired. */
export async function runMaintenance(bindings: Bindings): Promise<void> {
  const resources = resourcesFor(bindings)
  if (resources instanceof ConfigurationError) return
  const { db, config } = resources
  try {
    const overdue = await claimOverdueEmails(db, { limit: BATCH })
    if (overdue.length > 0) {
      await bindings.MAIL_QUEUE.sendBatch(
        overdue.map(({ id }) => ({ body: { type: 'owed', id } as const })),
      )
    }
    writeLog('info', 'maintenance_done', { requeued: overdue.length, ...(await prune(db, config)) })
  } catch (error) {
    writeLog('error', 'maintenance_failed', {
      reason: error instanceof DatabaseError ? error.code : 'unexpected_error',
    })
  }
}
