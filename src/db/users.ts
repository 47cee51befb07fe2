import * as z from 'zod/mini'
import {
  actor,
  actorOf,
  displayName,
  isActor,
  isUsable,
  oneAsActor,
  UserRead,
  userColumns,
} from './accounts.ts'
import { auditLine, requestSource } from './audit-events.ts'
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
    ), welcome as (${addEmail(
      'welcome',
      {
        id: $.emailId,
        owner,
        to: 'a.email',
        name: displayName('a'),
        username: 'a.username',
      },
      'created a',
    )}), audited as (${auditLine($, { action: 'register', actor: self }, 'created')})
    select ${userColumns} from created`,
})

/** The user behind an access token. */
export const findUser = read({
  parameters: actor,
  returns: oneAsActor(UserRead),
  sql: ($) => `select ${userColumns} from users a where ${isActor('user', $)}`,
})

const UpdatedUser = z.extend(UserRead, { email_changed: z.boolean() })

/**
 * Sets the fields that are given and no others, so that parallel changes are all kept; the full name
 * if `setFullName` says so, as it may become null. Another email ends open password resets and
 * notifies the old address and the new one.
 */
export const updateUser = write({
  parameters: {
    ...actor,
    username: 'text?',
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
    const email = `coalesce(${$.email}, u.email)`
    return `
    with actor as (${actorOf('user', $)} for update of a), changed as (
      update users u set
        username = coalesce(${$.username}, u.username),
        email = ${email},
        full_name = case when ${$.setFullName} then ${$.fullName} else u.full_name end,
        updated_at = case
          when ${$.username} is null and ${$.email} is null and not ${$.setFullName} then u.updated_at
          else now() end,
        resets_void_until = case
          when lower(${email}) <> lower(u.email) then clock_timestamp()
          else u.resets_void_until end
      from actor where u.id = actor.id
      returning u.*, actor.email as old_email, lower(u.email) <> lower(actor.email) as email_changed
    ), moved as (
      select * from changed where email_changed
    ), closed as (
      delete from password_resets where user_id in (select id from moved)
    ), told_old as (${addEmail('email-changed', { id: $.oldEmailId, to: 'a.old_email', ...notice }, 'moved a')}),
    told_new as (${addEmail('email-changed', { id: $.newEmailId, to: 'a.email', ...notice }, 'moved a')}),
    audited_email as (${auditLine($, { action: 'email_change', actor: self }, 'moved')}),
    audited_profile as (${auditLine($, { action: 'profile_update', actor: self }, 'changed where not email_changed')})
    select ${userColumns}, email_changed from changed`
  },
})

/**
 * Deletes the current user softly: out of every list, sessions ended, names still taken; an admin can
 * restore it. No row: the account changed since the password was compared.
 */
export const deleteOwnUser = write({
  parameters: { accountId: 'integer', checkedHash: 'text', ...requestSource },
  returns: maybeOne(z.object({ id: z.int() })),
  sql: ($) => `
    with deleted as (
      update users a set
        deleted_at = now(), updated_at = now(), session_epoch = session_epoch + 1, kept_session = null
      where a.id = ${$.accountId} and a.hashed_password = ${$.checkedHash} and ${isUsable('a')}
      returning id
    ), closed as (
      delete from password_resets where user_id in (select id from deleted)
    ), audited as (${auditLine($, { action: 'account_deleted', actor: self }, 'deleted')})
    select id from deleted`,
})
