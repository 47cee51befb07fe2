/** What the operator, who has the connection string of the database, does to admins: `npm run admin`. */
import * as z from 'zod/mini'
import { AdminRead, adminColumns, endSessions, isOpen, isUsable, VOID_RESETS } from './accounts.ts'
import { type Action, auditLine, requestSource } from './audit-events.ts'
import { many, maybeOne, type Placeholders, read, write } from './statement.ts'

const ListedAdmin = z.extend(AdminRead, { open_sessions: z.int() })

export type ListedAdmin = z.output<typeof ListedAdmin>

/** All admins, or those with this id or this email. Deleted ones are not among them. */
export const findAdmins = read({
  parameters: { id: 'integer?', email: 'text?' },
  returns: many(ListedAdmin),
  sql: ($) => `
    select ${adminColumns}, (
      select count(*)::int from admin_sessions s where s.account_id = a.id and ${isOpen('s', 'a')}
    ) as open_sessions
    from admins a
    where a.deleted_at is null and (${$.id} is null or a.id = ${$.id})
      and (${$.email} is null or lower(a.email) = lower(${$.email}))
    order by a.id`,
})

const act = { id: 'integer', ...requestSource } as const

const Acted = z.object({ id: z.int() })

/** The details of an act that no account is behind. */
export const BY_OPERATOR = `jsonb_build_object('by', 'operator')`

type Act = {
  action: Action
  set: string
  /** Without it, nothing changes and no line is written. */
  where?: string
  details?: string
}

/**
 * An act on the admin `a`, with its line in the audit trail. All active superadmins are locked first, in
 * one order, so that of two acts at once the second sees whom the first one left: `others.active` counts
 * those beside `a`.
 */
const textOfAct = (
  $: Placeholders<typeof act>,
  { action, set, where = 'true', details = BY_OPERATOR }: Act,
) => `
  with superadmins as (
    select a.id from admins a where a.is_superadmin and ${isUsable('a')}
    order by a.id for no key update of a
  ), others as (
    select count(*) as active from superadmins where id <> ${$.id}
  ), changed as (
    update admins a set ${set}, updated_at = now()
    from others where a.id = ${$.id} and a.deleted_at is null and ${where}
    returning a.*
  ), closed as (
    delete from admin_password_resets where admin_id in (select id from changed where not is_active)
  ), audited as (${auditLine(
    $,
    { action, target: { kind: 'admin', id: 'id' }, details },
    'changed',
  )})
  select id from changed`

const defineAct = (definition: Act) =>
  write({ parameters: act, returns: maybeOne(Acted), sql: ($) => textOfAct($, definition) })

/** Whether an active superadmin remains without `a`. */
const ONE_REMAINS = '(others.active > 0 or not (a.is_superadmin and a.is_active))'

const changeRole = (to: boolean) =>
  `${BY_OPERATOR} || '{"is_superadmin": {"from": ${!to}, "to": ${to}}}'`

/** The acts by their commands. No row: nothing is left to do, or the last active superadmin would go. */
export const actOnAdmin = {
  disable: defineAct({
    action: 'admin_disabled',
    set: `is_active = false, resets_void_until = ${VOID_RESETS}, ${endSessions('a')}`,
    where: `a.is_active and ${ONE_REMAINS}`,
  }),
  /** Sessions end here too: disabling by SQL left them valid. */
  enable: defineAct({
    action: 'admin_enabled',
    set: `is_active = true, ${endSessions('a')}`,
    where: 'not a.is_active',
  }),
  promote: defineAct({
    action: 'admin_role_changed',
    set: 'is_superadmin = true',
    where: 'not a.is_superadmin',
    details: changeRole(true),
  }),
  demote: defineAct({
    action: 'admin_role_changed',
    set: `is_superadmin = false, ${endSessions('a')}`,
    where: `a.is_superadmin and ${ONE_REMAINS}`,
    details: changeRole(false),
  }),
  'end-sessions': defineAct({ action: 'admin_sessions_revoked', set: endSessions('a') }),
}

/**
 * Makes `resetId` the valid reset of an admin, whose link the operator passes on: not counted as an
 * email, and newer than every request so far. No row: the admin is disabled.
 */
export const issueResetByOperator = write({
  parameters: { ...act, resetId: 'uuid', resetTokenSeconds: 'integer' },
  returns: maybeOne(Acted),
  sql: ($) => `
    with account as (
      update admins a set reset_requested_at = greatest(a.reset_requested_at, now())
      where a.id = ${$.id} and ${isUsable('a')}
      returning a.id
    ), issued as (
      insert into admin_password_resets as r (admin_id, id, expires_at)
      select id, ${$.resetId}, now() + make_interval(secs => ${$.resetTokenSeconds}) from account
      on conflict (admin_id) do update set
        id = excluded.id, expires_at = excluded.expires_at, issued_at = clock_timestamp(),
        sent_for = null, sent_at = null
      returning admin_id as id
    ), audited as (${auditLine(
      $,
      {
        action: 'password_reset_requested',
        target: { kind: 'admin', id: 'id' },
        details: BY_OPERATOR,
      },
      'issued',
    )})
    select id from issued`,
})
