import * as z from 'zod/mini'
import { actor, actorOf, isOpen, oneAsActor, UserRead } from './accounts.ts'
import { keysOfUsers } from './attempts.ts'
import { AuditEvent, auditLine, requestSource } from './audit-events.ts'
import { SessionRead } from './sessions.ts'
import { columnsOf, write } from './statement.ts'

/** Rows of each list of an export. A year of audit events has no other bound. */
export const MAX_EXPORTED = 1_000

/** An open session or an ended one. */
const { current, ...session } = SessionRead.shape
const Session = z.object({ ...session, is_open: z.boolean() })

const Network = z.object({ network: z.string(), last_login_at: z.coerce.date() })

/** An open reset link of the former service. */
const LegacyReset = z.object({ expires_at: z.coerce.date() })

const PendingEmail = z.object({
  kind: z.string(),
  recipient: z.string(),
  created_at: z.coerce.date(),
})

const Attempts = z.object({ key: z.string(), count: z.int(), resets_at: z.coerce.date() })

/** An audit event as its subject may see it. */
const { id, actor_id, target_kind, target_id, ...shown } = AuditEvent.shape
const OwnEvent = z.object(shown)

/** What is kept about a user. Of each list the newest, one more than {@link MAX_EXPORTED} at most. */
export const Kept = z.object({
  account: UserRead,
  password_reset: z.nullable(z.object({ issued_at: z.coerce.date(), expires_at: z.coerce.date() })),
  legacy_password_resets: z.array(LegacyReset),
  sessions: z.array(Session),
  networks: z.array(Network),
  pending_emails: z.array(PendingEmail),
  attempts: z.array(Attempts),
  audit_events: z.array(OwnEvent),
})

/** The newest rows of a `select` as JSON. */
const newest = (select: string, column: string) => `
  coalesce((select json_agg(part) from (
    ${select} order by ${column} desc limit ${MAX_EXPORTED + 1}
  ) as part), '[]')`

/**
 * Everything that is kept about the current user, except secrets and what only serves to check them; and
 * writes that it was exported. Of what an admin did it tells the act, and not who and from where: that
 * is about the admin (CJEU C-579/21).
 */
export const exportUser = write({
  parameters: { ...actor, ...requestSource },
  returns: oneAsActor(Kept),
  sql: ($) => {
    const ofUser = (role: string) => `(
      select ${columnsOf(AuditEvent)} from audit_events
      where ${role}_kind = 'user' and ${role}_id = ${$.accountId}
      order by id desc limit ${MAX_EXPORTED + 1}
    )`
    const unlessAdmin = (column: string) =>
      `case when actor_kind is distinct from 'admin' then ${column} end as ${column}`
    return `
    with actor as (${actorOf('user', $)}), event as (
      ${ofUser('actor')} union ${ofUser('target')}
    ), audited as (${auditLine(
      $,
      { action: 'data_exported', actor: { kind: 'user', id: 'id' } },
      'actor',
    )})
    select
      (select to_json(account) from (select ${columnsOf(UserRead)} from actor) as account) as account,
      (select to_json(reset) from (
        select issued_at, expires_at from password_resets where user_id = a.id
      ) as reset) as password_reset,
      ${newest(
        'select expires_at from legacy_password_resets where user_id = a.id',
        'expires_at',
      )} as legacy_password_resets,
      ${newest(
        `select s.id, s.user_agent as device, s.place, s.created_at, s.last_used_at, s.expires_at,
          ${isOpen('s', 'a')} is true as is_open
        from user_sessions s where s.account_id = a.id`,
        's.created_at',
      )} as sessions,
      ${newest(
        `select ${columnsOf(Network)} from user_networks where account_id = a.id`,
        'last_login_at',
      )} as networks,
      ${newest(
        `select mail->>'kind' as kind, recipient, created_at from outbox where user_id = a.id`,
        'created_at',
      )} as pending_emails,
      ${newest(
        `select ${columnsOf(Attempts)} from attempts
        where key in (${keysOfUsers('actor')}) and resets_at > now()`,
        'resets_at',
      )} as attempts,
      ${newest(
        `select at, action, outcome, reason, actor_kind, details, request_id,
          ${unlessAdmin('network')}, ${unlessAdmin('country')}
        from event`,
        'id',
      )} as audit_events
    from actor a`
  },
})
