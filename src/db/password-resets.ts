import * as z from 'zod/mini'
import {
  type AccountTables,
  displayName,
  endSessions,
  forEachAccountType,
  isUsable,
  TABLES,
} from './accounts.ts'
import { auditLine, requestSource } from './audit-events.ts'
import {
  accountKeys,
  atNetwork,
  countAttempt,
  countEmailsTo,
  EMAIL_CAPS,
  isProven,
  mayReceive,
  NEW_RESET_LINKS,
} from './caps.ts'
import { isKnownNetwork, rememberNetwork } from './networks.ts'
import { passwordChanged } from './password-changed.ts'
import { maybeOne, read, write } from './statement.ts'

/** Whether nothing has voided a reset since it was issued: `VOID_RESETS`. */
const isNotVoid = (reset: string, account: string) =>
  `${reset}.issued_at > coalesce(${account}.resets_void_until, '-infinity')`

/** Seconds that an open link must have left to be sent again: enough to read the email and use it. */
const RESENT_MIN_SECONDS = 5 * 60

const ResetEmail = z.object({
  email: z.string(),
  name: z.string(),
  reset_id: z.uuid(),
  /** Until the link expires, counted from when it was first to be sent for this request. */
  minutes: z.int(),
})

/**
 * Grants the request `resetId` an email, and says which reset it links to: one of its own that ends
 * the one before or, once strangers had the new links of the hour, the open one again, so that nobody can
 * end the owner's for ever. Where none is open, because it was used, voided or is about to expire, there
 * is nothing to end, and a new one is made.
 *
 * No row: no account has this email, the emails of the hour were sent, or a newer request was served.
 * Run again for the same request, it changes nothing and returns the same, so that a redelivered message
 * sends the same email; of two deliveries at the same moment the second returns no row.
 */
export const issueReset = forEachAccountType((tables) => {
  const { accountType, accounts, resets, resetOwner } = tables
  const keys = accountKeys(accountType, 'id')
  return write({
    parameters: {
      resetId: 'uuid',
      email: 'text',
      requestedAt: 'timestamptz',
      resetTokenSeconds: 'integer',
      ...requestSource,
    },
    returns: maybeOne(ResetEmail),
    sql: ($) => {
      // Of the row as it is once the account is locked, not of the snapshot before.
      const isKept = `(
        select not is_known and count > ${NEW_RESET_LINKS} and ${isNotVoid('r', 'granted')}
          and r.expires_at > now()
            + make_interval(secs => least(${RESENT_MIN_SECONDS}, ${$.resetTokenSeconds} / 2))
        from granted
      )`
      const isLeft = `(in_day.count <= ${EMAIL_CAPS.resetsByDay.max} or in_hour.count = 1)`
      return `
      with account as (
        select a.id, a.email, ${displayName('a')} as name, ${isProven(accountType, 'a')} as is_proven,
          ${isKnownNetwork(tables, 'a.id', $.network)} as is_known,
          coalesce(a.reset_requested_at < ${$.requestedAt}, true) as newest
        from ${accounts} a where lower(a.email) = lower(${$.email}) and ${isUsable('a')}
        for no key update of a
      ), served as (
        select r.* from account join ${resets} r on r.${resetOwner} = account.id
        where coalesce(r.sent_for, r.id) = ${$.resetId} and r.expires_at > now()
      ), by_network as (${countAttempt(
        `select ${atNetwork(keys.resets, $.network)} from account where newest`,
        EMAIL_CAPS.resetsByNetwork,
      )}), in_hour as (${countAttempt(
        `select case when is_known then ${keys.resetsFromKnown} else ${keys.resets} end
        from account, by_network where count <= ${EMAIL_CAPS.resetsByNetwork.max}`,
        EMAIL_CAPS.resets,
      )}), in_day as (${countAttempt(
        `select case when is_known then ${keys.resetsByDayFromKnown} else ${keys.resetsByDay} end
        from account, in_hour where count <= ${EMAIL_CAPS.resets.max}`,
        EMAIL_CAPS.resetsByDay,
      )}), unproven as (${countEmailsTo('request', [
        {
          email: 'email',
          from: `account, in_hour, in_day where not is_proven and ${isLeft}`,
        },
      ])}), granted as (
        update ${accounts} a set reset_requested_at = ${$.requestedAt} from account, in_hour, in_day
        where a.id = account.id and ${isLeft}
          and (is_proven or ${mayReceive('request', 'unproven', 'account.email')})
        returning a.id, a.resets_void_until, is_known, in_hour.count
      ), sent as (
        insert into ${resets} as r (${resetOwner}, id, expires_at, sent_for, sent_at)
        select id, ${$.resetId}, now() + make_interval(secs => ${$.resetTokenSeconds}),
          ${$.resetId}, now()
        from granted
        on conflict (${resetOwner}) do update set
          id = case when ${isKept} then r.id else excluded.id end,
          expires_at = case when ${isKept} then r.expires_at else excluded.expires_at end,
          issued_at = case when ${isKept} then r.issued_at else clock_timestamp() end,
          sent_for = excluded.sent_for, sent_at = excluded.sent_at
        returning *
      ), audited as (${auditLine(
        $,
        { action: 'password_reset_requested', target: { kind: accountType, id: resetOwner } },
        'sent',
      )})
      select email, name, r.id as reset_id,
        floor(extract(epoch from r.expires_at - coalesce(r.sent_at, r.issued_at)) / 60)::int as minutes
      from account, (select * from sent union all select * from served) as r`
    },
  })
})

const OpenReset = z.object({
  username: z.string(),
  email: z.string(),
  full_name: z.nullable(z.string()),
  expires_at: z.coerce.date(),
})

/** Where resets are stored, by what column they are found, and whether one of them is not void. */
type ResetTable = {
  tables: AccountTables
  resets: string
  key: string
  keyType: 'uuid' | 'bytea'
  isNotVoid: (reset: string, account: string) => string
}

/**
 * An open link of the former service is as good as one of ours, until the account's password or email changes, it
 * may not be used, or another link is mailed.
 */
const LEGACY_RESETS: ResetTable = {
  tables: TABLES.user,
  resets: 'legacy_password_resets',
  key: 'token_hash',
  keyType: 'bytea',
  isNotVoid: (_, account) => `(
    ${account}.adopted_at is not null and ${account}.password_version = 0
    and ${account}.resets_void_until is null and ${account}.reset_requested_at is null
  )`,
}

const forEachResetTable = <Statement>(define: (table: ResetTable) => Statement) => ({
  ...forEachAccountType((tables) =>
    define({ tables, resets: tables.resets, key: 'id', keyType: 'uuid', isNotVoid }),
  ),
  legacy: define(LEGACY_RESETS),
})

/** A reset that may still be used, and its owner. */
export const findReset = forEachResetTable(({ tables, resets, key, keyType, isNotVoid }) =>
  read({
    parameters: { resetId: keyType },
    returns: maybeOne(OpenReset),
    sql: ($) => `
      select a.username, a.email, a.full_name, r.expires_at
      from ${resets} r join ${tables.accounts} a on a.id = r.${tables.resetOwner}
      where r.${key} = ${$.resetId} and r.expires_at > now()
        and ${isUsable('a')} and ${isNotVoid('r', 'a')}`,
  }),
)

/**
 * Uses a reset: sets the password, ends all sessions, adds the notice, and makes the network a known one,
 * as a login does. Of parallel uses the one succeeds that deletes the row. No row: it was used, replaced
 * or expired meanwhile.
 */
export const resetPassword = forEachResetTable(({ tables, resets, key, keyType, isNotVoid }) => {
  const { accounts, resetOwner } = tables
  return write({
    parameters: { resetId: keyType, newHash: 'text', emailId: 'uuid', ...requestSource },
    returns: maybeOne(z.object({ id: z.int() })),
    sql: ($) => `
      with account as (
        select a.* from ${accounts} a
        where a.id = (select ${resetOwner} from ${resets} where ${key} = ${$.resetId})
          and ${isUsable('a')}
        for no key update of a
      ), used as (
        delete from ${resets} r using account
        where r.${key} = ${$.resetId} and r.${resetOwner} = account.id and r.expires_at > now()
          and ${isNotVoid('r', 'account')}
        returning account.id
      ), changed as (
        update ${accounts} a set
          hashed_password = ${$.newHash}, password_version = a.password_version + 1,
          updated_at = now(), ${endSessions('a')}
        from used where a.id = used.id
        returning a.*
      ),
      ${rememberNetwork(tables, $, 'changed')},
      ${passwordChanged(tables, $, { action: 'password_reset', from: 'changed', clears: ['emailChanges', 'passwordChanges'] })}
      select id from changed`,
  })
})
