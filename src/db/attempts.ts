import { type SQL, sql } from 'drizzle-orm'
import { attempts } from './schema.ts'

/** How often something may be tried in a window, counted across all addresses. */
type Cap = { max: number; windowSeconds: number }

/**
 * Wrong passwords an account takes (NIST 800-63B-4, 3.2.2). A success or a reset clears the count;
 * else it expires by itself, and attempts beyond it don't extend the wait: a delay, not a lock.
 */
export const PASSWORD_ATTEMPTS: Cap = { max: 10, windowSeconds: 15 * 60 }

/** Reset mails an account gets. More would only fill the owner's mail box. */
export const RESET_MAILS: Cap = { max: 3, windowSeconds: 60 * 60 }

/**
 * An `insert` that counts one try for each key that `keys` selects, and returns `count` and
 * `resets_in` (seconds). Counting comes before the work, in one statement, so that of parallel attempts
 * no more than `max` ever do it.
 */
export const countAttempt = (keys: SQL, { windowSeconds }: Cap): SQL => sql`
  insert into ${attempts} as tried (key, count, resets_at)
  select key, 1, now() + make_interval(secs => ${windowSeconds}) from (${keys}) as candidate (key)
  on conflict (key) do update set
    count = case when tried.resets_at > now() then tried.count + 1 else 1 end,
    resets_at = case when tried.resets_at > now() then tried.resets_at else excluded.resets_at end
  returning count, ceil(extract(epoch from resets_at - now()))::int as resets_in`

/** The key of a known account. Unknown ones have a key too: see `attemptKey` in security. */
export const accountAttempts = (kind: 'user' | 'admin', id: SQL): SQL =>
  sql`${kind}::text || ':' || ${id}`

/** A `delete` that clears the attempts at the accounts that `from` holds as `id`. */
export const clearAttempts = (kind: 'user' | 'admin', from: SQL): SQL => sql`
  delete from ${attempts}
  where key in (select ${accountAttempts(kind, sql`id`)} from ${from})`
