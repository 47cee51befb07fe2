import * as z from 'zod/mini'
import { actor, actorOf, oneAsActor } from './accounts.ts'
import { accountKey } from './attempts.ts'
import { auditLine, requestSource } from './audit-events.ts'
import { one, type Placeholders, write } from './statement.ts'

/**
 * The keys under which something is counted for the users that `from` selects as `id`: in all, and for
 * each network from which they have logged in. What strangers' networks have of them expires in an hour.
 */
export const attemptKeysOf = (from: string) => {
  const [key, keyOfOwner] = [accountKey('user', 'id'), accountKey('user', 'account_id')]
  return `
  select unnest(array[
    ${key}, 'reset-mail:' || ${key}, 'password-change:' || ${key}, 'email-change:' || id
  ]) from ${from}
  union all
  select unnest(array[${keyOfOwner}, 'reset-mail:' || ${keyOfOwner}]) || '@' || network
  from user_networks where account_id in (select id from ${from})`
}

/**
 * CTEs that erase the users that `due` selects as `id`, and has locked: `erased`. Sessions, networks,
 * resets and pending emails go with the row, by their foreign keys. The audit trail keeps the id.
 */
const erase = (
  $: Placeholders<typeof requestSource>,
  due: string,
  by?: { kind: 'admin'; id: string },
) => `
  erased as (
    delete from users u using ${due} where u.id = due.id returning u.id
  ), cleared as (
    delete from attempts where key in (${attemptKeysOf('erased')})
  ), audited as (${auditLine(
    $,
    { action: 'user_erased', actor: by, target: { kind: 'user', id: 'id' } },
    'erased',
  )})`

const Erasure = z.object({
  actor_is_superadmin: z.boolean(),
  /** Whether the user was deleted, and so is erased now. Null: there is no such user. */
  was_deleted: z.nullable(z.boolean()),
})

/** Erases a deleted user for good, and frees the names. Only a superadmin may: else nothing happens. */
export const eraseUser = write({
  parameters: { ...actor, id: 'integer', ...requestSource },
  returns: oneAsActor(Erasure),
  sql: ($) => `
    with actor as (${actorOf('admin', $)}), found as (
      select u.id, u.deleted_at is not null as was_deleted from users u, actor
      where u.id = ${$.id} and actor.is_superadmin for update of u
    ), ${erase($, '(select id from found where was_deleted) due', { kind: 'admin', id: $.accountId })}
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
