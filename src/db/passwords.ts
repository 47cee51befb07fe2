import * as z from 'zod/mini'
import { actor, displayName, forEachAccountType, isOpen } from './accounts.ts'
import { clearAttempts } from './attempts.ts'
import { auditLine, requestSource } from './audit-events.ts'
import { addEmail } from './outbox.ts'
import { maybeOne, write } from './statement.ts'

/**
 * Sets a new password, ends all sessions but the caller's, closes open resets, adds the notice. No
 * row: the account or the session changed since the password was compared with `checkedHash`.
 */
export const changePassword = forEachAccountType(({ accountType, accounts, sessions }) =>
  write({
    parameters: {
      ...actor,
      checkedHash: 'text',
      newHash: 'text',
      emailId: 'uuid',
      ...requestSource,
    },
    returns: maybeOne(z.object({ id: z.int() })),
    sql: ($) => `
      with changed as (
        update ${accounts} a set
          hashed_password = ${$.newHash}, updated_at = now(),
          session_epoch = a.session_epoch + 1, kept_session = s.id
        from ${sessions} s
        where s.id = ${$.sessionId} and a.id = ${$.accountId} and s.account_id = a.id
          and a.hashed_password = ${$.checkedHash} and ${isOpen('s', 'a')}
        returning a.*
      ), closed as (
        delete from password_resets
        where '${accountType}' = 'user' and user_id in (select id from changed)
      ), cleared as (${clearAttempts(accountType, 'changed')}),
      notice as (${addEmail(
        'password-changed',
        {
          id: $.emailId,
          owner: { kind: accountType, id: 'a.id' },
          to: 'a.email',
          name: displayName('a'),
          place: $.country,
        },
        'changed a',
      )}), audited as (${auditLine(
        $,
        { action: 'password_change', actor: { kind: accountType, id: 'id' } },
        'changed',
      )})
      select id from changed`,
  }),
)
