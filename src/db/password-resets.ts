import * as z from 'zod/mini'
import { displayName, isUsable } from './accounts.ts'
import { clearAttempts } from './attempts.ts'
import { auditLine, requestSource } from './audit-events.ts'
import { countAttempt, EMAIL_CAPS } from './caps.ts'
import { addEmail } from './outbox.ts'
import { maybeOne, read, write } from './statement.ts'

const ResetEmail = z.object({ email: z.string(), name: z.string() })

/**
 * Makes `resetId` the valid reset of the account that has this email. No row: no account has it, the
 * account had its emails for this hour, or a newer request was served already. Run again for the
 * same id, it changes nothing and returns the same, so that a redelivered message sends the same link.
 */
export const issueReset = write({
  parameters: {
    resetId: 'uuid',
    email: 'text',
    requestedAt: 'timestamptz',
    resetTokenSeconds: 'integer',
    ...requestSource,
  },
  returns: maybeOne(ResetEmail),
  sql: ($) => {
    const isNewest = `(
      a.reset_requested_at is null or a.reset_requested_at < ${$.requestedAt}
    )`
    return `
    with account as (
      select a.id, a.email, ${displayName('a')} as name, ${isNewest} as newest from users a
      where lower(a.email) = lower(${$.email}) and ${isUsable('a')}
    ), known as (
      select account.* from account join password_resets r on r.user_id = account.id
      where r.id = ${$.resetId} and r.expires_at > now()
    ), attempt as (${countAttempt(
      `select 'reset-mail:' || id from account where newest`,
      EMAIL_CAPS.resetLinks,
    )}), newest as (
      update users a set reset_requested_at = ${$.requestedAt}
      from account, attempt
      where a.id = account.id and count <= ${EMAIL_CAPS.resetLinks.max} and ${isNewest}
        and lower(a.email) = lower(${$.email}) and ${isUsable('a')}
      returning a.id
    ), issued as (
      insert into password_resets as r (user_id, id, expires_at)
      select id, ${$.resetId}, now() + make_interval(secs => ${$.resetTokenSeconds})
      from newest
      on conflict (user_id) do update set
        id = excluded.id, expires_at = excluded.expires_at, issued_at = clock_timestamp()
      returning user_id
    ), audited as (${auditLine(
      $,
      { action: 'password_reset_requested', target: { kind: 'user', id: 'user_id' } },
      'issued',
    )})
    select email, name from account
    where exists (select from issued) or exists (select from known)`
  },
})

/**
 * Whether the email is still the one that a reset was sent to. A change of email deletes open resets,
 * but can't see one that is being issued at the same moment.
 */
const isSentToCurrentEmail = (reset: string, account: string) =>
  `${reset}.issued_at > coalesce(${account}.resets_void_until, '-infinity')`

const Owner = z.object({
  username: z.string(),
  email: z.string(),
  full_name: z.nullable(z.string()),
})

/** The owner of a reset that may still be used. */
export const findReset = read({
  parameters: { resetId: 'uuid' },
  returns: maybeOne(Owner),
  sql: ($) => `
    select a.username, a.email, a.full_name
    from password_resets r join users a on a.id = r.user_id
    where r.id = ${$.resetId} and r.expires_at > now()
      and ${isUsable('a')} and ${isSentToCurrentEmail('r', 'a')}`,
})

/**
 * Uses a reset: whoever deletes its row sets the password, ends all sessions and adds the notice. No
 * row: it was used, replaced or expired meanwhile.
 */
export const resetPassword = write({
  parameters: { resetId: 'uuid', newHash: 'text', emailId: 'uuid', ...requestSource },
  returns: maybeOne(z.object({ id: z.int() })),
  sql: ($) => `
    with used as (
      delete from password_resets
      where id = ${$.resetId} and expires_at > now() returning user_id, issued_at
    ), changed as (
      update users a set
        hashed_password = ${$.newHash}, password_version = password_version + 1, updated_at = now(),
        session_epoch = session_epoch + 1, kept_session = null
      from used r
      where a.id = r.user_id and ${isUsable('a')} and ${isSentToCurrentEmail('r', 'a')}
      returning a.*
    ), cleared as (${clearAttempts({ accountType: 'user', networks: 'user_networks' }, 'changed')}),
    notice as (${addEmail(
      'password-changed',
      {
        id: $.emailId,
        owner: { kind: 'user', id: 'a.id' },
        to: 'a.email',
        name: displayName('a'),
        place: $.country,
      },
      'changed a',
    )}), audited as (${auditLine(
      $,
      { action: 'password_reset', actor: { kind: 'user', id: 'id' } },
      'changed',
    )})
    select id from changed`,
})
