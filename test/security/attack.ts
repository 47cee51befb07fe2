/** What attacks consist of, and what they change in the database and in Redis. */
import { inject } from 'vitest'
import type { Bindings } from '../../src/context.ts'
import { ConfigurationError } from '../../src/env.ts'
import { resourcesFor } from '../../src/resources.ts'
import { type ApiResponse, environment } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import type {} from '../setup/world.ts'

/** Calls `act` this many times in parallel. */
export const atOnce = <Result>(count: number, act: (index: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)))

export function tally(responses: readonly ApiResponse<any>[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

export function resourcesOf(env: Bindings = environment()) {
  const resources = resourcesFor(env)
  if (resources instanceof ConfigurationError) throw resources
  return resources
}

type AuditRow = Record<'action' | 'outcome' | 'request_id', string> &
  Record<'reason' | 'actor' | 'target' | 'network' | 'country', string | null>

/** The audit events of an account, oldest first; `actor` and `target` as `user:1`. */
export const auditLines = (kind: 'user' | 'admin', id: number) =>
  sql<AuditRow>(
    `select action, outcome, reason, actor_kind || ':' || actor_id as actor,
       target_kind || ':' || target_id as target, request_id, network, country
     from audit_events
     where (actor_kind = $1 and actor_id = $2) or (target_kind = $1 and target_id = $2)
     order by id`,
    [kind, id],
  )

/** The number of failed attempts that are stored under a key, such as `user:1`. */
export async function attemptsOf(key: string): Promise<number | undefined> {
  const [row] = await sql<{ count: number }>('select count from attempts where key = $1', [key])
  return row?.count
}

/** Stores this number of failed attempts, as made in the last 15 minutes. */
export const setAttempts = (key: string, count: number) =>
  sql(
    `insert into attempts values ($1, $2, now() + interval '15 minutes')
     on conflict (key) do update set count = excluded.count, resets_at = excluded.resets_at`,
    [key, count],
  )

export const expireAttempts = (key: string) =>
  sql("update attempts set resets_at = now() - interval '1 s' where key = $1", [key])

export async function redis(...command: string[]): Promise<unknown> {
  const { UPSTASH_REDIS_REST_URL = '', UPSTASH_REDIS_REST_TOKEN } = inject('world').bindings
  const response = await fetch(UPSTASH_REDIS_REST_URL, {
    method: 'POST',
    headers: { Authorization: `Bearer ${UPSTASH_REDIS_REST_TOKEN}` },
    body: JSON.stringify(command),
  })
  return (await response.json<{ result: unknown }>()).result
}
