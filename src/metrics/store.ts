import * as z from 'zod/mini'
import { connectRedis } from '../redis.ts'
import { type Series, sum } from './series.ts'

/**
 * Milliseconds. No client waits for it, and a scrape has a limit of its own; but it is shorter than the time
 * between two flushes, which must not overtake each other.
 */
const TIMEOUT_MS = 5_000

/** Milliseconds during which an isolate counts under one id, so that a flush repeats the one before it. */
export const BATCH_MS = 5 * 60 * 1000

/** Milliseconds after which nobody writes a batch any more: a flush on its way would come too late. */
const FINAL_MS = BATCH_MS + 60 * 1000

const DAY_SECONDS = 24 * 60 * 60

/** Days after which a series goes that nothing was added to, as those of a route that was renamed. */
const KEPT_DAYS = 30

/** Batches that one call folds: with fifty routes in use they have 7 MB. */
export const FOLDED_BATCHES = 250

/** Redis did not respond, or not as expected. The driver's message is dropped: it contains addresses. */
export class MetricsUnavailable extends Error {
  override readonly name = 'MetricsUnavailable'
}

function unavailable(): never {
  throw new MetricsUnavailable()
}

const Counted = z.record(z.string(), z.array(z.number()))

/** What the hash holds: a field for each batch, named by when it began, beside what was folded. */
const Stored = z.object({
  version: z.int(),
  /** `used` has the day (since 1970) of the last addition to each series. */
  totals: z.object({ series: Counted, used: z.record(z.string(), z.int()) }),
  batches: z.record(z.string(), Counted),
})

const NOTHING = { series: {}, used: {} }

/** Replaces the totals and removes what is in them, unless somebody else has: then nothing happens. */
const FOLD = `
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'totals', ARGV[3])
redis.call('HDEL', KEYS[1], unpack(ARGV, 5))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1`

type Options = { environment: string; redis: { url: string; token: string } }

/** The id of a batch that begins now. */
export const newBatchId = () => `${Date.now()}-${crypto.randomUUID()}`

/** What all isolates have counted, in one Redis hash. */
export function createStore({ environment, redis }: Options) {
  const client = connectRedis({ redis, timeoutMs: TIMEOUT_MS })
  const key = `metrics:${environment}`

  function parse(fields: Record<string, unknown> | null) {
    // HMGET has null for what is not there, as for a batch that somebody else has folded.
    const found = Object.entries(fields ?? {}).filter(([, value]) => value !== null)
    const { version = 0, totals = NOTHING, ...batches } = Object.fromEntries(found)
    const stored = Stored.safeParse({ version, totals, batches })
    return stored.success ? stored.data : unavailable()
  }

  return {
    /** Writes all that a batch has counted so far, by one command. Sent twice, it counts once. */
    async put(id: string, series: Series): Promise<void> {
      const fields = { [id]: JSON.stringify(Object.fromEntries(series)) }
      await client.hset(key, fields).catch(unavailable)
    },

    /** The sums of all batches. */
    async read(): Promise<Series> {
      const { totals, batches } = parse(await client.hgetall(key).catch(unavailable))
      return sum(...[totals.series, ...Object.values(batches)].map((each) => Object.entries(each)))
    },

    /**
     * Adds batches that are final to the totals, and says how many those were. Reads no others, so that it
     * also catches up when the hash has become too large to read, as after hours without a cron.
     */
    async fold(): Promise<number> {
      const ids = (await client.hkeys(key).catch(unavailable))
        .filter((id) => Number.parseInt(id, 10) + FINAL_MS < Date.now())
        .slice(0, FOLDED_BATCHES)
      if (ids.length === 0) return 0
      const fields = await client.hmget(key, 'version', 'totals', ...ids).catch(unavailable)
      const { version, totals, batches } = parse(fields)
      const today = Math.floor(Date.now() / 1000 / DAY_SECONDS)
      const folded = sum(...ids.map((id) => Object.entries(batches[id] ?? {})))
      const used = { ...totals.used }
      for (const series of folded.keys()) used[series] = today
      const kept = [...sum(Object.entries(totals.series), folded)].filter(
        ([series]) => (used[series] ?? today) > today - KEPT_DAYS,
      )
      const next = {
        series: Object.fromEntries(kept),
        used: Object.fromEntries(kept.map(([series]) => [series, used[series] ?? today])),
      }
      const expiry = KEPT_DAYS * DAY_SECONDS
      const args = [version, version + 1, JSON.stringify(next), expiry, ...ids]
      const done = await client.eval(FOLD, [key], args).catch(unavailable)
      return done === 1 ? ids.length : 0
    },
  }
}
