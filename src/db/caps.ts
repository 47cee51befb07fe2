import type { AccountType } from './accounts.ts'

/** How often something may happen in a window, counted in PostgreSQL across all addresses. */
export type Cap = { max: number; windowSeconds: number }

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * Wrong passwords that an account allows (NIST 800-63B-4, 3.2.2), and once more for each network from
 * which somebody has logged in to it: strangers can't use up the owner's. A success or a reset clears the
 * count; else it expires by itself, and attempts beyond it don't extend the wait: a delay, not a lock.
 */
export const PASSWORD_ATTEMPTS: Cap = { max: 10, windowSeconds: 15 * MINUTE }

/**
 * How often an account causes email. The acts are capped, not their notices: a notice that is left out
 * would hide what a thief does. Only an email to an address that is not yet known to be the account's is
 * left out instead.
 */
export const EMAIL_CAPS = {
  /** Emails with a reset link that one network may cause for an account. */
  resetsByNetwork: { max: 3, windowSeconds: HOUR },
  /**
   * Those that all networks may cause, and once more those from which somebody has logged in to the account:
   * strangers can't use up the owner's. More would only fill the owner's mailbox.
   */
  resets: { max: 6, windowSeconds: HOUR },
  /** Beyond these it is one an hour. */
  resetsByDay: { max: 12, windowSeconds: DAY },
  /** Changes of an account's email: two notices each. */
  emailChanges: { max: 5, windowSeconds: DAY },
  /** Changes of an account's password by one who knows it: a notice each. */
  passwordChanges: { max: 10, windowSeconds: DAY },
  /** Emails to an address that somebody has typed, until an account has had it for a day. */
  toUnprovenAddress: { max: 6, windowSeconds: DAY },
  /** Test emails of an admin, to any address. */
  testEmails: { max: 20, windowSeconds: DAY },
} as const satisfies Record<string, Cap>

/** How many of the reset emails replace an open link, the first ones: the others contain the same link again. */
export const NEW_RESET_LINKS = 3

/** Failed logins that are written to the audit trail one by one, in the whole installation. */
export const FAILED_LOGIN_LINES: Cap = { max: 5_000, windowSeconds: HOUR }

/** The keys under which something is counted for an account, by SQL that gives its id. */
export const accountKeys = (accountType: AccountType, id: string) => ({
  passwordAttempts: `'${accountType}:' || ${id}`,
  resets: `'reset-mail:${accountType}:' || ${id}`,
  resetsFromKnown: `'reset-mail:${accountType}:' || ${id} || '@known'`,
  resetsByDay: `'reset-mail-day:${accountType}:' || ${id}`,
  resetsByDayFromKnown: `'reset-mail-day:${accountType}:' || ${id} || '@known'`,
  emailChanges: `'email-change:${accountType}:' || ${id}`,
  passwordChanges: `'password-change:${accountType}:' || ${id}`,
  testEmails: `'test-email:${accountType}:' || ${id}`,
})

export type CountedAct = keyof ReturnType<typeof accountKeys>

/** The key of what one network does. */
export const atNetwork = (key: string, network: string) =>
  `${key} || '@' || coalesce(${network}, '')`

/**
 * An `insert` that counts one more for each key that `keys` selects, and returns `key`, `count` and
 * `resets_in` (seconds). Counting comes before the work, in one statement, so that of parallel attempts no
 * more than `max` ever do it.
 */
export const countAttempt = (keys: string, { windowSeconds }: Pick<Cap, 'windowSeconds'>) => `
  insert into attempts as known (key, count, resets_at)
  select key, 1, now() + make_interval(secs => ${windowSeconds}) from (${keys}) as candidate (key)
  on conflict (key) do update set
    count = case when known.resets_at > now() then known.count + 1 else 1 end,
    resets_at = case when known.resets_at > now() then known.resets_at else excluded.resets_at end
  returning key, count, ceil(extract(epoch from resets_at - now()))::int as resets_in`

/** What is sent to an unproven address, counted apart: what people ask for must not use up the notices. */
type Purpose = 'request' | 'notice'

/** The key of emails to an address. Only its hash is kept. */
const addressKey = (purpose: Purpose, email: string) =>
  `'email-${purpose}:' || encode(sha256(convert_to(lower(${email}), 'UTF8')), 'hex')`

/** Counts an email to each address that somebody typed: SQL that gives it, by the rows it is taken from. */
export const countEmailsTo = (
  purpose: Purpose,
  addresses: readonly { email: string; from: string }[],
) =>
  // In one order, so that two statements don't wait for each other.
  countAttempt(
    `${addresses.map(({ email, from }) => `select ${addressKey(purpose, email)} from ${from}`).join(' union all ')} order by 1`,
    EMAIL_CAPS.toUnprovenAddress,
  )

/** Whether an account has had its email for a day: until then it may be anybody's. Admins don't change theirs. */
export const isProven = (accountType: AccountType, account: string) =>
  accountType === 'admin'
    ? 'true'
    : `(coalesce(${account}.email_changed_at, ${account}.created_at)
        < now() - make_interval(secs => ${EMAIL_CAPS.toUnprovenAddress.windowSeconds}))`

/** Whether an email may go to an address that {@link countEmailsTo} has counted as `counted`. */
export const mayReceive = (purpose: Purpose, counted: string, email: string) => `exists (
  select from ${counted} c
  where c.key = ${addressKey(purpose, email)} and c.count <= ${EMAIL_CAPS.toUnprovenAddress.max}
)`
