import * as z from 'zod/mini'
import { actor, actorOf, oneAsActor } from './accounts.ts'
import { keysOfUsers } from './attempts.ts'
import { type AuditLine, auditLine, requestSource } from './audit-events.ts'
import { one, type Placeholders, write } from './statement.ts'

/**
 * CTEs that erase the users that `due` selects as `id`, and has locked: `erased`. Sessions, networks,
 * resets and pending emails go with the row, by their foreign keys. The audit trail keeps the id.
 */
export const erase = (
  $: Placeholders<typeof requestSource>,
  due: string,
  by: Pick<AuditLine, 'actor' | 'details'> = {},
) => `
  erased as (
    delete from users u using ${due} where u.id = due.id returning u.id
  ), cleared as (
    delete from attempts where key in (${keysOfUsers('erased')})
  ), audited as (${auditLine(
    $,
    { action: 'user_erased', ...by, target: { kind: 'user', id: 'id' } },
    'erased',
  )})`

const Erasure = z.object({
  actor_is_superadmin: z.boolean(),
  /** Whether the user was deleted, and so is erased now. Null: there is no such user. */
  was_deleted: z.nullable(z.boolean()),
})

/** Erases a deleted user for good, and frees the names. Nothing changes unless the actor is a superadmin. */
export const eraseUser = write({
  parameters: { ...actor, id: 'integer', ...requestSource },
  returns: oneAsActor(Erasure),
  sql: ($) => `
    with actor as (${actorOf('admin', $)}), found as (
      select u.id, u.deleted_at is not null as was_deleted from users u, actor
      where u.id = ${$.id} and actor.is_superadmin for update of u
    ), ${erase($, '(select id from found where was_deleted) due', { actor: { kind: 'admin', id: $.accountId } })}
    select actor.is_superadmin as actor_is_superadmin,
      (select was_deleted from found) as was_deleted
    from actor`,
})

/** Users that {@link eraseDeletedUsers} erases at once: with what belongs to them it stays far below its time limit. */
export const ERASED_BATCH = 200

/** Erases the users that were deleted `seconds` ago, or earlier: a batch, those deleted first. */
export const eraseDeletedUsers = write({
  parameters: { seconds: 'integer', ...requestSource },
  returns: one(z.object({ erased: z.coerce.number() })),
  sql: ($) => `
    with due as (
      select id from users
      where deleted_at < now() - make_interval(secs => ${$.seconds})
      order by deleted_at limit ${ERASED_BATCH} for update skip locked
    ), ${erase($, 'due')}
    select count(*) as erased from erased`,
})
