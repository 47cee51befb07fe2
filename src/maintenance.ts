import type { Bindings } from './context.ts'
import { type Database, DatabaseError } from './db/client.ts'
import { ERASED_BATCH, eraseDeletedUsers } from './db/erasure.ts'
import { writeCountedFailures } from './db/failed-logins.ts'
import { findOverdueEmails, markRequeued } from './db/outbox.ts'
import { deleteBatch, maxAges, PRUNED_BATCH, type PrunedTable } from './db/pruning.ts'
import { type Config, ConfigurationError } from './env.ts'
import { writeLog } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'
import { FOLDED_BATCHES } from './metrics/store.ts'
import { RedisUnavailable } from './redis.ts'
import { resourcesFor } from './resources.ts'

/** Messages that a queue takes in one call. */
const QUEUED_BATCH = 100

/**
 * Batches in one run: of messages, of users, of the rows of each table, and of what isolates have counted. The
 * rest waits for the next run.
 */
const MAX_BATCHES = { queued: 20, erased: 50, pruned: 40, folded: 40 }

/**
 * What the cron does: queues emails whose message was lost, writes counted failures to the audit trail,
 * erases users who were deleted long ago, deletes what has expired, and folds the metrics. Each job fails alone.
 */
export async function runMaintenance(bindings: Bindings): Promise<void> {
  const resources = resourcesFor(bindings)
  if (resources instanceof ConfigurationError) return
  const { db, config, metrics } = resources
  const done = {
    ...(await run('requeue', () => queueOverdueEmails(db, bindings))),
    ...(await run('write_counts', () => writeCountedFailures(db, {}))),
    ...(await run('erase', () => eraseUsers(db, config))),
    ...(await prune(db, config)),
    ...(await run('fold_metrics', () => foldMetrics(metrics))),
  }
  if (Object.keys(done).length > 0) writeLog('info', 'maintenance_done', done)
}

type Counts = Record<string, number>

async function run(job: string, work: () => Promise<Counts>): Promise<Counts> {
  try {
    return await work()
  } catch (error) {
    const reason = reasonOf(error)
    writeLog('error', 'maintenance_failed', { job, reason })
    return {}
  }
}

function reasonOf(error: unknown) {
  if (error instanceof DatabaseError) return error.code
  return error instanceof RedisUnavailable ? 'redis_unavailable' : 'unexpected_error'
}

/** Marks emails after they were queued: with the queue down, they stay overdue. */
async function queueOverdueEmails(db: Database, { MAIL_QUEUE }: Bindings): Promise<Counts> {
  let requeued = 0
  for (let n = 0; n < MAX_BATCHES.queued; n++) {
    const ids = (await findOverdueEmails(db, { limit: QUEUED_BATCH })).map(({ id }) => id)
    if (ids.length > 0) {
      await MAIL_QUEUE.sendBatch(ids.map((id) => ({ body: { type: 'owed', id } as const })))
      await markRequeued(db, { ids })
    }
    requeued += ids.length
    if (ids.length < QUEUED_BATCH) break
  }
  return { requeued }
}

/** Erases users who were deleted long enough ago, if the configuration says when that is. */
async function eraseUsers(
  db: Database,
  { eraseDeletedAfterSeconds: seconds }: Config,
): Promise<Counts> {
  if (seconds === undefined) return {}
  let erased = 0
  for (let n = 0; n < MAX_BATCHES.erased; n++) {
    const batch = await eraseDeletedUsers(db, { seconds, requestId: crypto.randomUUID() })
    erased += batch.erased
    if (batch.erased < ERASED_BATCH) break
  }
  return { erased }
}

/**
 * Deletes what has expired: a batch of each table in turn, so that none waits for another, while there
 * are full ones.
 */
async function prune(db: Database, config: Config): Promise<Counts> {
  const seconds = maxAges(config)
  const deleted: Counts = {}
  let tables = Object.keys(seconds) as PrunedTable[]
  for (let n = 0; n < MAX_BATCHES.pruned && tables.length > 0; n++) {
    const full: PrunedTable[] = []
    for (const table of tables) {
      const counts = await run(`prune_${table}`, async () => {
        const batch = await deleteBatch[table](db, { seconds: seconds[table] })
        return { [table]: batch.deleted }
      })
      const count = counts[table]
      if (count === undefined) continue
      deleted[table] = (deleted[table] ?? 0) + count
      if (count === PRUNED_BATCH) full.push(table)
    }
    tables = full
  }
  return deleted
}

/** Folds what isolates have counted, if they do. */
async function foldMetrics(metrics: Metrics | undefined): Promise<Counts> {
  if (!metrics) return {}
  let folded = 0
  for (let n = 0; n < MAX_BATCHES.folded; n++) {
    const count = await metrics.fold()
    folded += count
    if (count < FOLDED_BATCHES) break
  }
  return { folded }
}
