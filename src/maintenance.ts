import type { Bindings } from './context.ts'
import { type Database, DatabaseError } from './db/client.ts'
import { claimOverdueEmails } from './db/outbox.ts'
import { prune } from './db/pruning.ts'
import { ConfigurationError } from './env.ts'
import { writeLog } from './log.ts'
import { resourcesFor } from './resources.ts'

/** Messages that a queue takes in one call. */
const BATCH = 100

/** Such calls in one run. Whatever is left then waits for the next one. */
const MAX_BATCHES = 20

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
  for (let n = 0; n < MAX_BATCHES; n++) {
    const overdue = await claimOverdueEmails(db, { limit: BATCH })
    if (overdue.length > 0) {
      await MAIL_QUEUE.sendBatch(overdue.map(({ id }) => ({ body: { type: 'owed', id } as const })))
    }
    queued += overdue.length
    if (overdue.length < BATCH) break
  }
  return queued
}
