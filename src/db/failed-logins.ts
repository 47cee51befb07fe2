import * as z from 'zod/mini'
import { type AccountType, forEachAccountType } from './accounts.ts'
import { requestSource } from './audit-events.ts'
import { countAttempt, FAILED_LOGIN_LINES } from './caps.ts'
import { nothing, one, write } from './statement.ts'

/** Why a login failed: for the log and the audit trail, never for the caller. */
const LOGIN_FAILURES = [
  'unknown_account',
  'account_not_active',
  'wrong_password',
  'changed_meanwhile',
] as const

export type LoginFailure = (typeof LOGIN_FAILURES)[number]

/** Rows that share one count, so that parallel failures don't queue for one. */
const SHARDS = 8

/** Seconds after which a count is lost that the cron has not written to the trail. */
const COUNTED_SECONDS = 7 * 24 * 60 * 60

/** Where failures are counted that are not written, as SQL. */
const countKey = (accountType: AccountType, reason: string, shard: string) =>
  `'failed-logins:${accountType}:' || ${reason} || ':' || ${shard}`

const randomShard = `floor(random() * ${SHARDS})`

/**
 * Records a failed login. That of an account is a line of the audit trail, up to
 * {@link FAILED_LOGIN_LINES}; beyond, and for unknown names, it is counted, so that strangers can't fill
 * the database with lines that nobody may delete.
 */
export const recordFailedLogin = forEachAccountType(({ accountType }) =>
  write({
    parameters: { reason: 'text', accountId: 'integer?', ...requestSource },
    returns: nothing,
    sql: ($) => `
      with line as (${countAttempt(
        `select 'failed-login-lines:' || ${randomShard} where ${$.accountId} is not null`,
        FAILED_LOGIN_LINES,
      )}), written as (
        insert into audit_events (
          action, outcome, reason, target_kind, target_id, request_id, network, country
        )
        select 'login', 'failure', ${$.reason}, '${accountType}', ${$.accountId},
          ${$.requestId}, ${$.network}, ${$.country}
        from line where count <= ${FAILED_LOGIN_LINES.max / SHARDS}
        returning 1
      )
      ${countAttempt(
        `select ${countKey(accountType, $.reason, randomShard)}
          where not exists (select from written)`,
        { windowSeconds: COUNTED_SECONDS },
      )}`,
  }),
)

const COUNT_KEYS = (['user', 'admin'] as const).flatMap((accountType) =>
  LOGIN_FAILURES.flatMap((reason) =>
    Array.from({ length: SHARDS }, (_, shard) => countKey(accountType, `'${reason}'`, `${shard}`)),
  ),
)

/** Moves the counts to the audit trail: one line for an account type and a reason, with the number. */
export const writeCountedFailures = write({
  parameters: {},
  returns: one(z.object({ failed_logins: z.coerce.number() })),
  sql: () => `
    with counted as (
      delete from attempts where key = any(array[${COUNT_KEYS.join(', ')}]) returning key, count
    ), sums as (
      select split_part(key, ':', 2) as account_type, split_part(key, ':', 3) as reason,
        sum(count) as failures
      from counted group by 1, 2
    ), written as (
      insert into audit_events (action, outcome, reason, target_kind, details, request_id)
      select 'login', 'failure', reason, account_type,
        jsonb_build_object('failures', failures), gen_random_uuid()
      from sums
    )
    select coalesce(sum(failures), 0) as failed_logins from sums`,
})
