import * as z from 'zod/mini'
import {
  type AccountType,
  actor,
  actorOf,
  forEachAccountType,
  isUsable,
  oneAsActor,
} from './accounts.ts'
import { nothing, one, write } from './statement.ts'

/** How often something may be attempted in a window, counted across all addresses. */
type Cap = { max: number; windowSeconds: number }

/**
 * Wrong passwords that an account allows (NIST 800-63B-4, 3.2.2). A success or a reset clears the count;
 * else it expires by itself, and attempts beyond it don't extend the wait: a delay, not a lock.
 */
export const PASSWORD_ATTEMPTS: Cap = { max: 10, windowSeconds: 15 * 60 }

/** Reset emails that an account receives. More would only fill the owner's mailbox. */
export const RESET_EMAILS: Cap = { max: 6, windowSeconds: 60 * 60 }

/** Those of them that one network may cause: a stranger can't use up the owner's. */
export const RESET_EMAILS_BY_NETWORK: Cap = { ...RESET_EMAILS, max: 3 }

/** Those of them that replace an open link, the first ones: the others contain the same link again. */
export const RESET_LINKS: Cap = { ...RESET_EMAILS, max: 3 }

/**
 * An `insert` that counts one attempt for each key that `keys` selects, and returns `count` and
 * `resets_in` (seconds). Counting comes before the work, in one statement, so that of parallel attempts
 * no more than `max` ever do it.
 */
export const countAttempt = (keys: string, { windowSeconds }: Cap) => `
  insert into attempts as known (key, count, resets_at)
  select key, 1, now() + make_interval(secs => ${windowSeconds}) from (${keys}) as candidate (key)
  on conflict (key) do update set
    count = case when known.resets_at > now() then known.count + 1 else 1 end,
    resets_at = case when known.resets_at > now() then known.resets_at else excluded.resets_at end
  returning count, ceil(extract(epoch from resets_at - now()))::int as resets_in`

/** The key of a known account. Unknown ones have a key too: see `attemptKey` of the login. */
export const accountKey = (accountType: AccountType, id: string) => `'${accountType}:' || ${id}`

/** A `delete` that clears the attempts at the accounts that `from` selects as `id`. */
export const clearAttempts = (accountType: AccountType, from: string) => `
  delete from attempts where key in (select ${accountKey(accountType, 'id')} from ${from})`

/** One attempt to log in: how many there were, and the account if there is one. */
const LoginAttempt = z.object({
  count: z.int(),
  resets_in: z.int(),
  id: z.nullable(z.int()),
  hashed_password: z.nullable(z.string()),
  usable: z.nullable(z.boolean()),
})

/**
 * Counts an attempt to log in and finds the account, in one way whether or not there is one.
 *
 * `unknownKey` names the identifier in the table of attempts when no account has it.
 */
const countLoginBy = (column: 'username' | 'email') =>
  forEachAccountType(({ accountType, accounts }) =>
    write({
      parameters: { identifier: 'text', unknownKey: 'text' },
      returns: one(LoginAttempt),
      sql: ($) => `
        with account as (
          select a.id, a.hashed_password, ${isUsable('a')} as usable from ${accounts} a
          where lower(a.${column}) = lower(${$.identifier})
        ), attempt as (${countAttempt(
          `select coalesce((select ${accountKey(accountType, 'id')} from account), ${$.unknownKey})`,
          PASSWORD_ATTEMPTS,
        )})
        select count, resets_in, id, hashed_password, usable
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
})

/** Counts an attempt at the current user's password and finds the account. */
export const countPasswordCheck = forEachAccountType(({ accountType }) =>
  write({
    parameters: actor,
    returns: oneAsActor(PasswordAttempt),
    sql: ($) => `
      with actor as (${actorOf(accountType, $)}), attempt as (${countAttempt(
        `select ${accountKey(accountType, 'id')} from actor`,
        PASSWORD_ATTEMPTS,
      )})
      select count, resets_in, id, username, email, full_name, hashed_password
      from actor, attempt`,
  }),
)

/** Clears the attempts at an account's password, once it was proven. */
export const clearPasswordChecks = forEachAccountType(({ accountType }) =>
  write({
    parameters: { accountId: 'integer' },
    returns: nothing,
    sql: ($) => clearAttempts(accountType, `(values (${$.accountId})) as proven (id)`),
  }),
)
