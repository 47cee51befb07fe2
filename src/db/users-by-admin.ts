import * as z from 'zod/mini'
import {
  actor,
  actorOf,
  endSessions,
  oneAsActor,
  UserRead,
  userColumns,
  VOID_RESETS,
} from './accounts.ts'
import { type Action, auditLine, Changes, changes, requestSource } from './audit-events.ts'
import { type Placeholders, read, write } from './statement.ts'

const FoundUser = z.object({ user: z.nullable(UserRead) })

/** Any user, deleted ones too. No `user`: there is none. */
export const readUser = read({
  parameters: { ...actor, id: 'integer' },
  returns: oneAsActor(FoundUser),
  sql: ($) => `
    with actor as (${actorOf('admin', $)}),
    found as (select ${userColumns} from users where id = ${$.id})
    select (select to_json(found) from found) as user from actor`,
})

const act = { ...actor, id: 'integer', ...requestSource } as const

const Acted = z.extend(FoundUser, {
  actor_is_superadmin: z.boolean(),
  changes: z.nullable(Changes),
})

/** `user` is null when there is none that the act applies to, `changes` when nothing had to change. */
export type Acted = z.output<typeof Acted>

type Act = {
  action: Action
  /** The user is `u`, as it was before `before`. */
  set: string
  /** Which user the act applies to: `before`. */
  where?: string
  /** Whether there is anything to change in `before`. If not, nothing is written. */
  differs?: string
  states?: string[]
  typed?: string[]
}

/** An act of an admin on a user, with its line in the audit trail. The user is locked first. */
const actOnUser = (
  $: Placeholders<typeof act>,
  { action, set, where = 'true', differs = 'true', ...columns }: Act,
) => `
  with actor as (${actorOf('admin', $)}), before as (
    select before.* from users before, actor where before.id = ${$.id} and ${where}
    for no key update of before
  ), changed as (
    update users u set ${set}, updated_at = now()
    from before where u.id = before.id and ${differs}
    returning u.*, ${changes('before', 'u', columns)} as changes
  ), closed as (
    delete from password_resets where user_id in (
      select id from changed where deleted_at is not null or not is_active
    )
  ), audited as (${auditLine(
    $,
    {
      action,
      actor: { kind: 'admin', id: $.accountId },
      target: { kind: 'user', id: 'id' },
      details: `nullif(changes, '{}')`,
    },
    'changed',
  )}), result as (
    select ${userColumns} from changed
    union all select ${userColumns} from before where not exists (select from changed)
  )
  select actor.is_superadmin as actor_is_superadmin, (select changes from changed) as changes,
    (select to_json(result) from result) as user
  from actor`

/**
 * Sets the fields that are given; the full name if `setFullName` says so, as it may become null.
 * Disabling and demoting end the user's sessions. Only a superadmin sets `isSuperuser`: without that
 * right no `user` is returned and nothing changes.
 */
export const updateUser = write({
  parameters: {
    ...act,
    isActive: 'boolean?',
    isSuperuser: 'boolean?',
    fullName: 'text?',
    setFullName: 'boolean',
  },
  returns: oneAsActor(Acted),
  sql: ($) => {
    const isActive = `coalesce(${$.isActive}, before.is_active)`
    const isSuperuser = `coalesce(${$.isSuperuser}, before.is_superuser)`
    const fullName = `case when ${$.setFullName} then ${$.fullName} else before.full_name end`
    const losesRights = `(
      before.is_active and not ${isActive} or before.is_superuser and not ${isSuperuser}
    )`
    return actOnUser($, {
      action: 'user_updated',
      set: `
        is_active = ${isActive}, is_superuser = ${isSuperuser}, full_name = ${fullName},
        session_epoch = u.session_epoch + ${losesRights}::int,
        kept_session = case when not ${losesRights} then u.kept_session end,
        resets_void_until = case when ${isActive} then u.resets_void_until else ${VOID_RESETS} end`,
      where: `before.deleted_at is null and (${$.isSuperuser} is null or actor.is_superadmin)`,
      differs: `(${isActive}, ${isSuperuser}, ${fullName})
        is distinct from (before.is_active, before.is_superuser, before.full_name)`,
      states: ['is_active', 'is_superuser'],
      typed: ['full_name'],
    })
  },
})

/** Deletes a user softly and ends all sessions. No `user`: none, or deleted already. */
export const deleteUser = write({
  parameters: act,
  returns: oneAsActor(Acted),
  sql: ($) =>
    actOnUser($, {
      action: 'user_deleted',
      set: `deleted_at = now(), resets_void_until = ${VOID_RESETS}, ${endSessions('u')}`,
      where: 'before.deleted_at is null',
    }),
})

/** Takes a deletion back. Sessions stay ended. No `user`: there is no such user. */
export const restoreUser = write({
  parameters: act,
  returns: oneAsActor(Acted),
  sql: ($) =>
    actOnUser($, {
      action: 'user_restored',
      set: 'deleted_at = null',
      differs: 'before.deleted_at is not null',
    }),
})

/** Signs a user out everywhere. No `user`: there is no such user. */
export const revokeUserSessions = write({
  parameters: act,
  returns: oneAsActor(Acted),
  sql: ($) => actOnUser($, { action: 'user_sessions_revoked', set: endSessions('u') }),
})
