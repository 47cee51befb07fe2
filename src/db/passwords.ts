import * as z from 'zod/mini'
import { actor, actorOf, forEachAccountType, VOID_RESETS } from './accounts.ts'
import { requestSource } from './audit-events.ts'
import { accountKeys, countAttempt, EMAIL_CAPS } from './caps.ts'
import { passwordChanged } from './password-changed.ts'
import { maybeOne, write } from './statement.ts'

const PasswordChange = z.object({ changed: z.boolean(), count: z.int(), resets_in: z.int() })

/**
 * Sets a new password, ends all sessions but the caller's, closes open resets, adds the notice. No
 * row: the password or the session changed since the password was compared. Not `changed`: the account
 * had its changes for today.
 */
export const changePassword = forEachAccountType((tables) => {
  const { accountType, accounts, resets, resetOwner } = tables
  return write({
    parameters: {
      ...actor,
      passwordVersion: 'integer',
      newHash: 'text',
      emailId: 'uuid',
      ...requestSource,
    },
    returns: maybeOne(PasswordChange),
    sql: ($) => `
      with actor as (
        ${actorOf(accountType, $)} and a.password_version = ${$.passwordVersion}
        for no key update of a
      ), attempt as (${countAttempt(
        `select ${accountKeys(accountType, 'id').passwordChanges} from actor`,
        EMAIL_CAPS.passwordChanges,
      )}), changed as (
        update ${accounts} a set
          hashed_password = ${$.newHash}, password_version = a.password_version + 1,
          updated_at = now(), resets_void_until = ${VOID_RESETS},
          session_epoch = a.session_epoch + 1, kept_session = ${$.sessionId}
        from actor, attempt
        where a.id = actor.id and attempt.count <= ${EMAIL_CAPS.passwordChanges.max}
        returning a.*
      ), closed as (
        delete from ${resets} where ${resetOwner} in (select id from changed)
      ),
      ${passwordChanged(tables, $, { action: 'password_change', from: 'changed', clears: ['emailChanges'] })}
      select exists (select from changed) as changed, attempt.count, attempt.resets_in from attempt`,
  })
})
