import * as z from 'zod/mini'
import {
  type AccountType,
  actor,
  actorOf,
  forEachAccountType,
  isUsable,
  oneAsActor,
} from './accounts.ts'
import { countAttempt, PASSWORD_ATTEMPTS } from './caps.ts'
import { nothing, one, type Placeholders, write } from './statement.ts'

/**
 * Names that no account has share this many counts: what strangers type can't fill the table. Two names
 * meet in one by chance, so that a few of a great many attempts are capped too early; who attempts a
 * name only sees that a count was full, not why.
 */
const UNKNOWN_NAME_COUNTS = 2 ** 16

/** Where an attempt comes from, as far as it may be kept. Null if unknown. */
const origin = { network: 'text?' } as const

/** Whether somebody has logged in to this account from this network before. */
const isKnownNetwork = (networks: string, id: string, { network }: Placeholders<typeof origin>) =>
  `exists (select from ${networks} n where n.account_id = ${id} and n.network = ${network})`

/** The key of an account, and that of its attempts from one known network. */
export const accountKey = (accountType: AccountType, id: string) => `'${accountType}:' || ${id}`
const networkKey = (accountType: AccountType, id: string, network: string) =>
  `${accountKey(accountType, id)} || '@' || ${network}`

/** A `delete` that clears the attempts at the accounts that `from` selects as `id`, and has locked. */
export const clearAttempts = (
  { accountType, networks }: { accountType: AccountType; networks: string },
  from: string,
) => `
  delete from attempts where key in (
    select ${accountKey(accountType, 'id')} from ${from}
    union all
    select ${networkKey(accountType, 'n.account_id', 'n.network')}
    from ${networks} n where n.account_id in (select id from ${from})
  )`

/**
 * The keys under which something is counted for the users that `from` selects as `id`: in all, and for
 * each network from which they have logged in. What strangers' networks have of them expires in an hour.
 */
export const keysOfUsers = (from: string) => `
  select unnest(array[
    'user:' || id, 'reset-mail:user:' || id, 'email-change:user:' || id, 'password-change:user:' || id
  ]) from ${from}
  union all
  select unnest(array['user:' || account_id, 'reset-mail:user:' || account_id]) || '@' || network
  from user_networks where account_id in (select id from ${from})`

/** One attempt to log in: how many there were, and the account if there is one. */
const LoginAttempt = z.object({
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
  forEachAccountType(({ accountType, accounts, networks }) =>
    write({
      parameters: { identifier: 'text', seed: 'bigint', ...origin },
      returns: one(LoginAttempt),
      sql: ($) => `
        with account as (
          select a.id, a.hashed_password, a.password_version, ${isUsable('a')} as usable,
            case when ${isKnownNetwork(networks, 'a.id', $)}
              then ${networkKey(accountType, 'a.id', $.network)}
              else ${accountKey(accountType, 'a.id')} end as key
          from ${accounts} a
          where lower(a.${column}) = lower(${$.identifier})
        ), attempt as (${countAttempt(
          `select coalesce(
            (select key from account),
            '${accountType}?' ||
              (hashtextextended(lower(${$.identifier}), ${$.seed}) & ${UNKNOWN_NAME_COUNTS - 1})
          )`,
          PASSWORD_ATTEMPTS,
        )})
        select count, resets_in, id, hashed_password, password_version, usable
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
export const countPasswordCheck = forEachAccountType(({ accountType, networks }) =>
  write({
    parameters: { ...actor, ...origin },
    returns: oneAsActor(PasswordAttempt),
    sql: ($) => `
      with actor as (${actorOf(accountType, $)}), attempt as (${countAttempt(
        `select case when ${isKnownNetwork(networks, 'id', $)}
          then ${networkKey(accountType, 'id', $.network)}
          else ${accountKey(accountType, 'id')} end from actor`,
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
