import * as z from 'zod/mini'
import {
  type AccountTables,
  actor,
  actorOf,
  forEachAccountType,
  isUsable,
  oneAsActor,
} from './accounts.ts'
import { accountKeys, atNetwork, type CountedAct, countAttempt, PASSWORD_ATTEMPTS } from './caps.ts'
import { isKnownNetwork } from './networks.ts'
import { nothing, one, write } from './statement.ts'

/**
 * Names that no account has share this many counts: what strangers type can't fill the table. Two names
 * may share one by chance. A name that is capped at its first attempt is thus one that no account has; to
 * make that likely, thousands of addresses have to fill most counts within the window.
 */
const UNKNOWN_NAME_COUNTS = 2 ** 16

/** Where an attempt comes from, as far as it may be kept. Null if unknown. */
const origin = { network: 'text?' } as const

/** The key of an attempt at the password of an account. Each known network has one of its own. */
function attemptKey(tables: AccountTables, id: string, network: string) {
  const key = accountKeys(tables.accountType, id).passwordAttempts
  return `case when ${isKnownNetwork(tables, id, network)}
    then ${atNetwork(key, network)} else ${key} end`
}

/**
 * A `delete` that clears all attempts at the accounts that `from` selects as `id`, and has locked; and
 * what else is counted for them.
 */
export function clearAttempts(
  { accountType, networks }: AccountTables,
  from: string,
  others: readonly CountedAct[] = [],
): string {
  const keys = accountKeys(accountType, 'id')
  const cleared = [keys.passwordAttempts, ...others.map((act) => keys[act])]
  return `
    delete from attempts where key in (
      select unnest(array[${cleared.join(', ')}]) from ${from}
      union all
      select ${atNetwork(accountKeys(accountType, 'account_id').passwordAttempts, 'network')}
      from ${networks} where account_id in (select id from ${from})
    )`
}

/**
 * The keys under which something is counted for the users that `from` selects as `id`: in all, and for
 * each network from which they have logged in. What strangers' networks have of them expires in an hour.
 */
export function keysOfUsers(from: string): string {
  const ofOwner = accountKeys('user', 'account_id')
  const byNetwork = [ofOwner.passwordAttempts, ofOwner.resets]
  return `
    select unnest(array[${Object.values(accountKeys('user', 'id')).join(', ')}]) from ${from}
    union all
    select unnest(array[${byNetwork.map((key) => atNetwork(key, 'network')).join(', ')}])
    from user_networks where account_id in (select id from ${from})`
}

/** One attempt to log in: how many there were, and the account if there is one. */
const LoginAttempt = z.object({
  key: z.string(),
  count: z.int(),
  resets_in: z.int(),
  id: z.nullable(z.int()),
  hashed_password: z.nullable(z.string()),
  password_version: z.nullable(z.int()),
  usable: z.nullable(z.boolean()),
})

/**
 * Counts an attempt to log in and finds the account, in one way whether or not there is one. Names are
 * folded here and in the unique indexes, by PostgreSQL's `lower` alone.
 *
 * `seed` spreads unknown names over their counts in a way that nobody can foresee.
 */
const countLoginBy = (column: 'username' | 'email') =>
  forEachAccountType((tables) =>
    write({
      parameters: { identifier: 'text', seed: 'bigint', ...origin },
      returns: one(LoginAttempt),
      sql: ($) => `
        with account as (
          select a.id, a.hashed_password, a.password_version, ${isUsable('a')} as usable,
            ${attemptKey(tables, 'a.id', $.network)} as key
          from ${tables.accounts} a
          where lower(a.${column}) = lower(${$.identifier})
        ), attempt as (${countAttempt(
          `select coalesce(
            (select key from account),
            '${tables.accountType}?' ||
              (hashtextextended(lower(${$.identifier}), ${$.seed}) & ${UNKNOWN_NAME_COUNTS - 1})
          )`,
          PASSWORD_ATTEMPTS,
        )})
        select attempt.key, count, resets_in, id, hashed_password, password_version, usable
        from attempt left join account on true`,
    }),
  )

/** An identifier with an `@` is an email: a username can't contain one. */
export const countLoginByEmail = countLoginBy('email')
export const countLoginByUsername = countLoginBy('username')

const PasswordAttempt = z.object({
  count: z.int(),
  resets_in: z.int(),
  id: z.int(),
  username: z.string(),
  email: z.string(),
  full_name: z.nullable(z.string()),
  hashed_password: z.nullable(z.string()),
  password_version: z.int(),
})

/** Counts an attempt at the current user's password and finds the account. */
export const countPasswordCheck = forEachAccountType((tables) =>
  write({
    parameters: { ...actor, ...origin },
    returns: oneAsActor(PasswordAttempt),
    sql: ($) => `
      with actor as (${actorOf(tables.accountType, $)}), attempt as (${countAttempt(
        `select ${attemptKey(tables, 'id', $.network)} from actor`,
        PASSWORD_ATTEMPTS,
      )})
      select count, resets_in, id, username, email, full_name, hashed_password, password_version
      from actor, attempt`,
  }),
)

/** Clears the attempts at an account's password, once it was proven. */
export const clearPasswordChecks = forEachAccountType((tables) =>
  write({
    parameters: { accountId: 'integer' },
    returns: nothing,
    sql: ($) => `
      with proven as (
        select id from ${tables.accounts} where id = ${$.accountId} for no key update
      )
      ${clearAttempts(tables, 'proven')}`,
  }),
)
