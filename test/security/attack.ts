/** What attackers bring along: many hands, forged tokens, a look into the database. */
import { inject } from 'vitest'
import type { Bindings } from '../../src/context.ts'
import { ConfigurationError } from '../../src/env.ts'
import { resourcesFor } from '../../src/resources.ts'
import { resetToken } from '../../src/tokens/reset.ts'
import { type Answer, environment } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import type {} from '../setup/world.ts'

/** Does something many times at once. */
export const atOnce = <Result>(count: number, act: (index: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)))

/** How many answers there are of each status. */
export function tally(answers: readonly Answer<any>[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** The resources of a Worker, for making what only it can make. */
export function resourcesOf(env: Bindings = environment()) {
  const resources = resourcesFor(env)
  if (resources instanceof ConfigurationError) throw resources
  return resources
}

/** Opens a password reset as the mail queue's consumer does, and answers the token of its link. */
export async function openReset(userId: number, minutes = 60): Promise<string> {
  const id = crypto.randomUUID()
  await sql(
    `insert into password_resets values ($1, $2, now() + make_interval(mins => $3))
     on conflict (user_id) do update set id = excluded.id, expires_at = excluded.expires_at`,
    [userId, id, minutes],
  )
  return resetToken(resourcesOf().keys, id)
}

export type AuditRow = {
  action: string
  outcome: string
  reason: string | null
  actor: string | null
  target: string | null
  request_id: string
  network: string | null
  country: string | null
}

/** The lines of the audit trail about an account, oldest first; parties as `user:1`. */
export const auditLines = (kind: 'user' | 'admin', id: number) =>
  sql<AuditRow>(
    `select action, outcome, reason, actor_kind || ':' || actor_id as actor,
       target_kind || ':' || target_id as target, request_id, network, country
     from audit_events
     where (actor_kind = $1 and actor_id = $2) or (target_kind = $1 and target_id = $2)
     order by id`,
    [kind, id],
  )

/** What an account's own failures count to, or nothing. */
export async function triesAt(key: string): Promise<number | undefined> {
  const [row] = await sql<{ count: number }>('select count from attempts where key = $1', [key])
  return row?.count
}

/** Lets an account have spent so many of its ten tries. */
export const spendTries = (key: string, count: number) =>
  sql(
    `insert into attempts values ($1, $2, now() + interval '15 minutes')
     on conflict (key) do update set count = excluded.count, resets_at = excluded.resets_at`,
    [key, count],
  )

/** Commands straight to Redis, as Upstash's REST API takes them. */
export async function redis(...command: string[]): Promise<unknown> {
  const { UPSTASH_REDIS_REST_URL = '', UPSTASH_REDIS_REST_TOKEN } = inject('world').bindings
  const answer = await fetch(UPSTASH_REDIS_REST_URL, {
    method: 'POST',
    headers: { Authorization: `Bearer ${UPSTASH_REDIS_REST_TOKEN}` },
    body: JSON.stringify(command),
  })
  return (await answer.json<{ result: unknown }>()).result
}
