import { type Level, type LogFields, writeLog } from '../log.ts'
import { type CountedResponse, countEvent, countResponse, ZEROS } from './counts.ts'
import { type Series, sum } from './series.ts'
import { BATCH_MS, createStore, newBatchId } from './store.ts'

/** Milliseconds between two flushes of an isolate. */
const FLUSH_MS = 10_000

/** Milliseconds after which a flush that was planned is taken for lost, with the request that planned it. */
const LOST_MS = 30_000

export type Metrics = {
  countResponse(response: CountedResponse): void
  countEvent(level: Level, event: string, fields: LogFields): void
  /** Sends what was counted, within ten seconds, however many requests ask for it. Never fails. */
  flushAfter(context: Pick<ExecutionContext, 'waitUntil'>): void
  /** What all isolates have counted. @throws {RedisUnavailable} */
  read(): Promise<Series>
  /** What the cron does, so that a scrape reads little. @throws {RedisUnavailable} */
  fold(): Promise<number>
}

type Options = Parameters<typeof createStore>[0] & { flushMs?: number }

/**
 * Isolates share no memory, so each counts for itself and now and then writes its counts to Redis: all
 * of its present batch, so that a flush which is sent twice, or whose response is lost, counts once.
 */
export function createMetrics({ flushMs = FLUSH_MS, ...options }: Options): Metrics {
  const store = createStore(options)
  let batch = { id: newBatchId(), startedAt: Date.now(), flushed: new Map() as Series }
  let fresh: Series = new Map()
  let plannedAt = Number.NEGATIVE_INFINITY

  async function flush() {
    plannedAt = Number.NEGATIVE_INFINITY
    if (fresh.size === 0) return
    const now = Date.now()
    if (now - batch.startedAt >= BATCH_MS) {
      batch = { id: newBatchId(), startedAt: now, flushed: new Map() }
    }
    const pending = fresh
    fresh = new Map()
    const counted = sum(batch.flushed, pending)
    try {
      await store.put(batch.id, counted)
      batch.flushed = counted
    } catch {
      fresh = sum(pending, fresh)
      writeLog('warn', 'metrics_unavailable')
    }
  }

  return {
    countResponse: (response) => countResponse(fresh, response),
    countEvent: (level, event, fields) => countEvent(fresh, level, event, fields),
    flushAfter(context) {
      const now = Date.now()
      if (now - plannedAt < LOST_MS) return
      plannedAt = now
      context.waitUntil(scheduler.wait(flushMs).then(flush))
    },
    read: async () => sum(ZEROS, await store.read()),
    fold: store.fold,
  }
}
