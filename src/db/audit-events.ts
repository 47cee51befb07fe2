import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import type { AccountType, Principal } from './accounts.ts'
import { actorOf, oneAsActor } from './accounts.ts'
import type { Database } from './client.ts'
import { auditEvents } from './schema.ts'

/** Everything the audit trail tells of. */
export const ACTIONS = [
  'register',
  'login',
  'logout',
  'refresh_token_reuse',
  'session_revoked',
  'other_sessions_revoked',
  'password_change',
  'password_reset_requested',
  'password_reset',
  'profile_update',
  'email_change',
  'account_deleted',
  'user_updated',
  'user_deleted',
  'user_restored',
  'user_sessions_revoked',
] as const

export type Action = (typeof ACTIONS)[number]

/** Where a request came from: what the audit trail keeps of it. */
export type RequestSource = { requestId: string; network: string | null; country: string | null }

type Party = { kind: AccountType; id: SQL | number }

type AuditLine = {
  action: Action | SQL
  actor: Party | undefined
  target?: Party | undefined
  trace: RequestSource
  /** Why it failed. Without one it did not. */
  reason?: string | undefined
}

/**
 * An `insert` that writes a line for each row of `from`, to stand as a CTE beside the act itself: so
 * there is no act without its line, and no line without its act.
 */
export function auditLine(
  { action, actor, target = actor, trace, reason }: AuditLine,
  from: SQL,
): SQL {
  return sql`
    insert into ${auditEvents} (
      action, outcome, reason, actor_kind, actor_id, target_kind, target_id,
      request_id, network, country
    )
    select ${action}::text, ${reason ? 'failure' : 'success'}, ${reason ?? null}::text,
      ${actor?.kind ?? null}::text, ${actor?.id ?? null}::int,
      ${target?.kind ?? null}::text, ${target?.id ?? null}::int,
      ${trace.requestId}::uuid, ${trace.network}::text, ${trace.country}::text
    ${from}`
}

/** Writes the line of an attempt that failed, for which there is nothing else to write. */
export const recordFailure = (
  { write }: Database,
  line: Omit<AuditLine, 'reason'> & { reason: string },
) => write.execute(auditLine(line, sql``))

export const AuditEvent = z
  .object({
    id: z.coerce.number().int(),
    at: z.coerce.date(),
    action: z.string(),
    outcome: z.enum(['success', 'failure']),
    reason: z.string().nullable(),
    actor_kind: z.enum(['user', 'admin']).nullable(),
    actor_id: z.int().nullable(),
    target_kind: z.enum(['user', 'admin']).nullable(),
    target_id: z.int().nullable(),
    request_id: z.uuid(),
    network: z.string().nullable(),
    country: z.string().nullable(),
  })
  .meta({ id: 'AuditEvent' })

type AuditFilter = {
  action?: Action | undefined
  outcome?: 'success' | 'failure' | undefined
  actor_kind?: AccountType | undefined
  actor_id?: number | undefined
  target_kind?: AccountType | undefined
  target_id?: number | undefined
  since?: Date | undefined
  until?: Date | undefined
}

type AuditPage = { filter: AuditFilter; before: number | undefined; size: number }

const AuditRow = z.object({
  is_superadmin: z.boolean(),
  events: z.array(AuditEvent),
})

/**
 * A page of the trail, newest first, with one line more than asked for where there is a next page.
 * No row at all: the admin's session has ended.
 */
export function listAuditEvents(
  { read }: Database,
  claims: Principal,
  { filter, before, size }: AuditPage,
) {
  const equal = (column: string, value: string | number | undefined) =>
    value === undefined ? sql`` : sql`and e.${sql.identifier(column)} = ${value}`
  return oneAsActor(
    read,
    AuditRow,
    sql`
    with actor as (${actorOf(claims)}), page as (
      select e.* from ${auditEvents} e
      where exists (select from actor where is_superadmin)
        ${equal('action', filter.action)} ${equal('outcome', filter.outcome)}
        ${equal('actor_kind', filter.actor_kind)} ${equal('actor_id', filter.actor_id)}
        ${equal('target_kind', filter.target_kind)} ${equal('target_id', filter.target_id)}
        ${filter.since ? sql`and e.at >= ${filter.since.toISOString()}::timestamptz` : sql``}
        ${filter.until ? sql`and e.at < ${filter.until.toISOString()}::timestamptz` : sql``}
        ${before === undefined ? sql`` : sql`and e.id < ${before}`}
      order by e.id desc limit ${size + 1}
    )
    select actor.is_superadmin,
      coalesce((select json_agg(page order by page.id desc) from page), '[]') as events
    from actor`,
  )
}
