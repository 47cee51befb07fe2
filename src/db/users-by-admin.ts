import * as z from 'zod/mini'
import { actor, actorOf, oneAsActor, UserRead, userColumns } from './accounts.ts'
import { type Action, auditLine, requestSource } from './audit-events.ts'
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

const Acted = z.extend(FoundUser, { actor_is_superadmin: z.boolean() })

/** `user` is null when there is none that the act applies to. */
export type Acted = z.output<typeof Acted>

/** An act of an admin on a user, with its line in the audit trail. The user is `u`. */
const actOnUser = (
  $: Placeholders<typeof act>,
  { action, set, where = 'true' }: { action: Action; set: string; where?: string },
) => `
  with actor as (${actorOf('admin', $)}), changed as (
    update users u set ${set}, updated_at = now()
    from actor where u.id = ${$.id} and ${where}
    returning u.*
  ), closed as (
    delete from password_resets where user_id in (
      select id from changed where deleted_at is not null or not is_active
    )
  ), audited as (${auditLine(
    $,
    { action, actor: { kind: 'admin', id: $.accountId }, target: { kind: 'user', id: 'id' } },
    'changed',
  )})
  select actor.is_superadmin as actor_is_superadmin, (
    select to_json(result) from (select ${userColumns} from changed) as result
  ) as user
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
    const losesRights = `(
      u.is_active and not coalesce(${$.isActive}, u.is_active)
      or u.is_superuser and not coalesce(${$.isSuperuser}, u.is_superuser)
    )`
    return actOnUser($, {
      action: 'user_updated',
      set: `
        is_active = coalesce(${$.isActive}, u.is_active),
        is_superuser = coalesce(${$.isSuperuser}, u.is_superuser),
        full_name = case when ${$.setFullName} then ${$.fullName} else u.full_name end,
        session_epoch = case when ${losesRights} then u.session_epoch + 1 else u.session_epoch end,
        kept_session = case when ${losesRights} then null else u.kept_session end`,
      where: `u.deleted_at is null and (${$.isSuperuser} is null or actor.is_superadmin)`,
    })
  },
})

/** Ends every session of `u`, the spared one too. */
const END_SESSIONS = 'session_epoch = u.session_epoch + 1, kept_session = null'

/** Deletes a user softly and ends all sessions. No `user`: none, or deleted already. */
export const deleteUser = write({
  parameters: act,
  returns: oneAsActor(Acted),
  sql: ($) =>
    actOnUser($, {
      action: 'user_deleted',
      set: `deleted_at = now(), ${END_SESSIONS}`,
      where: 'u.deleted_at is null',
    }),
})

/** Takes a deletion back. Sessions stay ended. No `user`: there is no such user. */
export const restoreUser = write({
  parameters: act,
  returns: oneAsActor(Acted),
  sql: ($) => actOnUser($, { action: 'user_restored', set: 'deleted_at = null' }),
})

/** Signs a user out everywhere. No `user`: there is no such user. */
export const revokeUserSessions = write({
  parameters: act,
  returns: oneAsActor(Acted),
  sql: ($) => actOnUser($, { action: 'user_sessions_revoked', set: END_SESSIONS }),
})
