import * as z from 'zod/mini'
import {
  actor,
  actorOf,
  displayName,
  endSessions,
  isActor,
  oneAsActor,
  UserRead,
  userColumns,
  VOID_RESETS,
} from './accounts.ts'
import { auditLine, changes, requestSource } from './audit-events.ts'
import {
  accountKeys,
  countAttempt,
  countEmailsTo,
  EMAIL_CAPS,
  isProven,
  mayReceive,
} from './caps.ts'
import { addEmail } from './outbox.ts'
import { maybeOne, one, read, write } from './statement.ts'

const self = { kind: 'user', id: 'id' } as const
const owner = { kind: 'user', id: 'a.id' } as const

/** Adds a user and the welcome email. The unique indexes decide whether the names are free. */
export const insertUser = write({
  parameters: {
    username: 'text',
    email: 'text',
    fullName: 'text?',
    passwordHash: 'text',
    emailId: 'uuid',
    ...requestSource,
  },
  returns: one(UserRead),
  sql: ($) => `
    with created as (
      insert into users (username, email, full_name, hashed_password)
      values (${$.username}, ${$.email}, ${$.fullName}, ${$.passwordHash})
      returning ${userColumns}
    ), counted as (${countEmailsTo('request', [{ email: 'email', from: 'created' }])}),
    welcome as (${addEmail(
      'welcome',
      {
        id: $.emailId,
        owner,
        to: 'a.email',
        name: displayName('a'),
        username: 'a.username',
      },
      `created a where ${mayReceive('request', 'counted', 'a.email')}`,
    )}), audited as (${auditLine($, { action: 'register', actor: self }, 'created')})
    select ${userColumns} from created`,
})

/** The user behind an access token. */
export const findUser = read({
  parameters: actor,
  returns: oneAsActor(UserRead),
  sql: ($) => `select ${userColumns} from users a where ${isActor('user', $)}`,
})

/** A user after {@link updateUser}, whether or not anything changed. */
const UpdatedUser = z.object({
  user: UserRead,
  email_changed: z.boolean(),
  /** The field that another account has: nothing changed. */
  taken: z.nullable(z.enum(['username', 'email'])),
  /** It is another username although `mayRename` says no: nothing changed. */
  rename_rejected: z.boolean(),
  /** The account had its changes of email for today: nothing changed. */
  capped: z.boolean(),
  resets_in: z.nullable(z.int()),
})

/**
 * Sets the fields that are given and no others, so that parallel changes are all kept; the full name
 * if `setFullName` says so, as it may become null. Another email ends open password resets, and both
 * addresses are notified, an unproven one within its cap. What changes nothing leaves no trace.
 */
export const updateUser = write({
  parameters: {
    ...actor,
    username: 'text?',
    mayRename: 'boolean',
    email: 'text?',
    fullName: 'text?',
    setFullName: 'boolean',
    oldEmailId: 'uuid',
    newEmailId: 'uuid',
    ...requestSource,
  },
  returns: oneAsActor(UpdatedUser),
  sql: ($) => {
    const notice = {
      owner,
      name: displayName('a'),
      old_email: 'a.old_email',
      new_email: 'a.email',
    }
    const cap = EMAIL_CAPS.emailChanges
    const keys = accountKeys('user', 'id')
    // The unique indexes decide. But who waits there holds a row for which the other may wait.
    const others = (name: 'username' | 'email') =>
      `select from users u, actor where lower(u.${name}) = lower(${$[name]}) and u.id <> actor.id`
    const userOf = (from: string) =>
      `(select to_json(result) from (select ${userColumns} from ${from}) as result)`
    return `
    with actor as (
      ${actorOf('user', $)} for no key update of a
    ), wanted as (
      select id, email as old_email,
        coalesce(${$.username}, username) as username, coalesce(${$.email}, email) as email,
        case when ${$.setFullName} then ${$.fullName} else full_name end as full_name,
        coalesce(lower(${$.email}) <> lower(email), false) as is_new_email,
        ${$.mayRename} or coalesce(${$.username} = username, true) as is_allowed,
        ${isProven('user', 'actor')} as is_proven
      from actor
    ), taken as (
      select case
        when exists (${others('username')}) then 'username'
        when exists (${others('email')}) then 'email'
      end as field
    ), attempt as (${countAttempt(
      `select ${keys.emailChanges} from wanted, taken where is_new_email and is_allowed and field is null`,
      cap,
    )}), changed as (
      update users u set
        username = wanted.username, email = wanted.email, full_name = wanted.full_name,
        updated_at = now(),
        email_changed_at = case when is_new_email then now() else u.email_changed_at end,
        resets_void_until = case when is_new_email then ${VOID_RESETS} else u.resets_void_until end
      from wanted, actor, taken
      where u.id = wanted.id and u.id = actor.id and is_allowed and field is null
        and (wanted.username, wanted.email, wanted.full_name)
          is distinct from (u.username, u.email, u.full_name)
        and not exists (select from attempt where count > ${cap.max})
      returning u.*, old_email, is_new_email, is_proven,
        ${changes('actor', 'u', { typed: ['username', 'email', 'full_name'] })} as details
    ), moved as (
      select * from changed where is_new_email
    ), closed as (
      delete from password_resets where user_id in (select id from moved)
    ), cleared as (
      delete from attempts where key in (
        select unnest(array[${keys.resets}, ${keys.resetsFromKnown}]) from moved
      )
    ), counted as (${countEmailsTo('notice', [
      { email: 'email', from: 'moved' },
      { email: 'old_email', from: 'moved where not is_proven' },
    ])}),
    notice_old as (${addEmail('email-changed', { id: $.oldEmailId, to: 'a.old_email', ...notice }, `moved a where is_proven or ${mayReceive('notice', 'counted', 'a.old_email')}`)}),
    notice_new as (${addEmail('email-changed', { id: $.newEmailId, to: 'a.email', ...notice }, `moved a where ${mayReceive('notice', 'counted', 'a.email')}`)}),
    audited_email as (${auditLine($, { action: 'email_change', actor: self, details: 'details' }, 'moved')}),
    audited_profile as (${auditLine($, { action: 'profile_update', actor: self, details: 'details' }, 'changed where not is_new_email')})
    select coalesce(${userOf('changed')}, ${userOf('actor')}) as user,
      exists (select from moved) as email_changed,
      (select not is_allowed from wanted) as rename_rejected,
      (select field from taken) as taken,
      coalesce(attempt.count > ${cap.max}, false) as capped, attempt.resets_in
    from actor left join attempt on true`
  },
})

/**
 * Deletes the current user softly: out of every list, sessions ended, names still taken; an admin can
 * restore it. No row: the password or the session changed since the password was compared.
 */
export const deleteOwnUser = write({
  parameters: { ...actor, passwordVersion: 'integer', ...requestSource },
  returns: maybeOne(z.object({ id: z.int() })),
  sql: ($) => `
    with deleted as (
      update users a set
        deleted_at = now(), updated_at = now(), resets_void_until = ${VOID_RESETS},
        ${endSessions('a')}
      where ${isActor('user', $)} and a.password_version = ${$.passwordVersion}
      returning id
    ), closed as (
      delete from password_resets where user_id in (select id from deleted)
    ), audited as (${auditLine($, { action: 'account_deleted', actor: self }, 'deleted')})
    select id from deleted`,
})
