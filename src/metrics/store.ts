import * as z from 'zod/mini'
import { connectRedis, redisUnavailable } from '../redis.ts'
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

/** Batches that one call folds: far fewer than Lua can unpack, and half a megabyte of ten routes each. */
export const FOLDED_BATCHES = 250

const Counted = z.record(z.string(), z.array(z.number()))

/** What was folded. `used` has the day (since 1970) of the last addition to each series. */
const Totals = z.object({ series: Counted, used: z.record(z.string(), z.int()) })

type Totals = z.output<typeof Totals>

const NOTHING: Totals = { series: {}, used: {} }

/** What is not ours in the hash counts nothing: one field must not hide all others, for ever. */
const totalsOf = (field: unknown) => Totals.safeParse(field).data ?? NOTHING
const batchOf = (field: unknown) => Object.entries(Counted.safeParse(field).data ?? {})

/** Replaces the totals and removes what is in them, unless somebody else has: then nothing happens. */
const FOLD = `
if (tonumber(redis.call('HGET', KEYS[1], 'version') or '') or 0) ~= tonumber(ARGV[1]) then return 0 end
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

  return {
    /** Writes all that a batch has counted so far, by one command. Sent twice, it counts once. */
    async put(id: string, series: Series): Promise<void> {
      const fields = { [id]: JSON.stringify(Object.fromEntries(series)) }
      await client.hset(key, fields).catch(redisUnavailable)
    },

    /** The sums of all batches. */
    async read(): Promise<Series> {
      const fields = await client.hgetall(key).catch(redisUnavailable)
      const { version: _, totals, ...batches } = fields ?? {}
      return sum(Object.entries(totalsOf(totals).series), ...Object.values(batches).map(batchOf))
    },

    /**
     * Adds batches that are final to the totals, {@link FOLDED_BATCHES} at most, and says how many those were. It
     * reads no others, so that it gets on with a hash that a scrape can't read any more.
     */
    async fold(): Promise<number> {
      const found = (await client.hkeys(key).catch(redisUnavailable)).filter(isFinal)
      if (found.length === 0) return 0
      const fields = await client
        .hmget<Record<string, unknown>>(key, 'version', 'totals', ...found.slice(0, FOLDED_BATCHES))
        .catch(redisUnavailable)
      // Another cron may have folded some of them since.
      const due = Object.entries(fields ?? {}).flatMap(([id, field]) =>
        isFinal(id) && field !== null ? [id] : [],
      )
      if (due.length === 0) return 0
      const version = z.int().safeParse(fields?.['version']).data ?? 0
      const totals = totalsOf(fields?.['totals'])
      const today = Math.floor(Date.now() / 1000 / DAY_SECONDS)
      const folded = sum(...due.map((id) => batchOf(fields?.[id])))
      const used = { ...totals.used }
      for (const series of folded.keys()) used[series] = today
      const kept = [...sum(Object.entries(totals.series), folded)].filter(
        ([series]) => (used[series] ?? today) > today - KEPT_DAYS,
      )
      const next: Totals = {
        series: Object.fromEntries(kept),
        used: Object.fromEntries(kept.map(([series]) => [series, used[series] ?? today])),
      }
      const expiry = KEPT_DAYS * DAY_SECONDS
      const args = [version, version + 1, JSON.stringify(next), expiry, ...due]
      const done = await client.eval(FOLD, [key], args).catch(redisUnavailable)
      return done === 1 ? due.length : 0
    },
  }
}

/** Whether nobody writes a batch any more. A field that is none, and has no time, is never written. */
const isFinal = (id: string) =>
  id !== 'version' && id !== 'totals' && !(Number.parseInt(id, 10) + FINAL_MS >= Date.now())
