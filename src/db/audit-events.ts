import * as z from 'zod/mini'
import { type AccountType, actor, actorOf, oneAsActor } from './accounts.ts'
import type { Database } from './client.ts'
import { columnsOf, nothing, type Placeholders, read, type Values, write } from './statement.ts'

/** Every action of the audit trail. */
export const ACTIONS = [
  'register',
  'login',
  'logout',
  'legacy_refresh_token_exchanged',
  'oldest_session_ended',
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
  'user_erased',
  'data_exported',
  'admin_disabled',
  'admin_enabled',
  'admin_role_changed',
  'admin_sessions_revoked',
  'accounts_adopted',
] as const

export type Action = (typeof ACTIONS)[number]

/** The parameters of every statement that writes to the trail: where the request came from. */
export const requestSource = { requestId: 'uuid', network: 'text?', country: 'text?' } as const

export type RequestSource = Values<typeof requestSource>

type Source = Placeholders<typeof requestSource>

/** An account, by SQL that gives its id. */
type Party = { kind: AccountType; id: string }

export type AuditLine = {
  action: Action
  actor?: Party | undefined
  /** The actor, unless given. */
  target?: Party
  /** Why it failed. Without one it succeeded. */
  reason?: string
  /** What changed, as SQL that gives JSON. Names of fields, roles and states, never what people typed. */
  details?: string
}

/**
 * An `insert` that writes a line for each row of `from`, to stand as a CTE with the act itself: so
 * there is no act without its line, and no line without its act.
 */
export function auditLine(
  source: Source,
  { action, actor, target = actor, reason, details }: AuditLine,
  from: string,
): string {
  const parties = {
    ...(actor && { actor_kind: `'${actor.kind}'`, actor_id: actor.id }),
    ...(target && { target_kind: `'${target.kind}'`, target_id: target.id }),
  }
  const outcome = reason
    ? { outcome: `'failure'`, reason: `'${reason}'` }
    : { outcome: `'success'` }
  const columns = { action: `'${action}'`, ...outcome, ...parties, ...(details && { details }) }
  return insertEvent(source, columns, `from ${from}`)
}

function insertEvent(source: Source, columns: Record<string, string>, from: string): string {
  const all = {
    ...columns,
    request_id: source.requestId,
    network: source.network,
    country: source.country,
  }
  return `
    insert into audit_events (${Object.keys(all).join(', ')})
    select ${Object.values(all).join(', ')} ${from}`
}

/** What changed, by column: that it did, or from what to what. */
export const Changes = z.record(
  z.string(),
  z.union([z.literal('changed'), z.object({ from: z.boolean(), to: z.boolean() })]),
)

export type Changes = z.output<typeof Changes>

/**
 * What differs between two rows of one account, as SQL that gives {@link Changes}: of columns that
 * people type only that they changed, of states from what to what too.
 */
export function changes(
  before: string,
  after: string,
  { typed = [], states = [] }: { typed?: string[]; states?: string[] },
): string {
  const ifChanged = (column: string, change: string) =>
    `'${column}', case when ${after}.${column} is distinct from ${before}.${column} then ${change} end`
  const pairs = [
    ...typed.map((column) => ifChanged(column, `to_jsonb('changed'::text)`)),
    ...states.map((column) =>
      ifChanged(
        column,
        `jsonb_build_object('from', ${before}.${column}, 'to', ${after}.${column})`,
      ),
    ),
  ]
  return `jsonb_strip_nulls(jsonb_build_object(${pairs.join(', ')}))`
}

/** The same as words of a log line: `full_name is_active:true>false`. */
export const changesInWords = (changed: Changes): string =>
  Object.entries(changed)
    .map(([column, change]) =>
      change === 'changed' ? column : `${column}:${change.from}>${change.to}`,
    )
    .join(' ')

const insertFailure = write({
  parameters: {
    action: 'text',
    reason: 'text',
    actorKind: 'text?',
    actorId: 'integer?',
    targetKind: 'text?',
    targetId: 'integer?',
    ...requestSource,
  },
  returns: nothing,
  sql: ($) =>
    insertEvent(
      $,
      {
        action: $.action,
        outcome: `'failure'`,
        reason: $.reason,
        actor_kind: $.actorKind,
        actor_id: $.actorId,
        target_kind: $.targetKind,
        target_id: $.targetId,
      },
      '',
    ),
})

type Failure = {
  action: Action
  reason: string
  actor?: { kind: AccountType; id: number }
  /** The actor, unless given. */
  target?: { kind: AccountType; id: number } | undefined
  source: RequestSource
}

/** Writes the line of an attempt that failed, for which there is nothing else to write. */
export const recordFailure = (
  db: Database,
  { action, reason, actor, target = actor, source }: Failure,
) =>
  insertFailure(db, {
    ...{ action, reason, ...source },
    ...{ actorKind: actor?.kind, actorId: actor?.id },
    ...{ targetKind: target?.kind, targetId: target?.id },
  })

export const AuditEvent = z
  .object({
    id: z.coerce.number().check(z.int(), z.meta({ format: 'int64' })),
    at: z.coerce.date(),
    action: z.string(),
    outcome: z.enum(['success', 'failure']),
    reason: z.nullable(z.string()),
    actor_kind: z.nullable(z.enum(['user', 'admin'])),
    actor_id: z.nullable(z.int()),
    target_kind: z.nullable(z.enum(['user', 'admin'])),
    target_id: z.nullable(z.int()),
    details: z.nullable(z.record(z.string(), z.unknown())).check(
      z.meta({
        description:
          'What changed: names of fields; for roles and states the old and the new value',
      }),
    ),
    request_id: z.uuid(),
    network: z.nullable(z.string()),
    country: z.nullable(z.string()),
  })
  .check(z.meta({ id: 'AuditEvent' }))

const AuditPage = z.object({ is_superadmin: z.boolean(), events: z.array(AuditEvent) })

/** A page of the trail, newest first: the lines before the id `before` that pass every filter given. */
export const listAuditEvents = read({
  parameters: {
    ...actor,
    action: 'text?',
    outcome: 'text?',
    actorKind: 'text?',
    actorId: 'integer?',
    targetKind: 'text?',
    targetId: 'integer?',
    since: 'timestamptz?',
    until: 'timestamptz?',
    before: 'bigint?',
    limit: 'integer',
  },
  returns: oneAsActor(AuditPage),
  sql: ($) => `
    with actor as (${actorOf('admin', $)}), page as (
      select ${columnsOf(AuditEvent)} from audit_events e
      where exists (select from actor where is_superadmin)
        and (${$.action} is null or e.action = ${$.action})
        and (${$.outcome} is null or e.outcome = ${$.outcome})
        and (${$.actorKind} is null or e.actor_kind = ${$.actorKind})
        and (${$.actorId} is null or e.actor_id = ${$.actorId})
        and (${$.targetKind} is null or e.target_kind = ${$.targetKind})
        and (${$.targetId} is null or e.target_id = ${$.targetId})
        and (${$.since} is null or e.at >= ${$.since})
        and (${$.until} is null or e.at < ${$.until})
        and (${$.before} is null or e.id < ${$.before})
      order by e.id desc limit ${$.limit}
    )
    select actor.is_superadmin,
      coalesce((select json_agg(page order by page.id desc) from page), '[]') as events
    from actor`,
})
