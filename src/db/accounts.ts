import * as z from 'zod/mini'
import { columnsOf, maybeOne, type Placeholders, type Values } from './statement.ts'

/** Users and admins are apart in every table, key and token. */
export type AccountType = 'user' | 'admin'

/** The tables of an account type, and its mark of higher rights. */
export type AccountTables = {
  accountType: AccountType
  accounts: string
  sessions: string
  /** From where somebody has logged in. */
  networks: string
  resets: string
  /** The column of `resets` that names the account. */
  resetOwner: string
  elevated: string
}

export const TABLES: Record<AccountType, AccountTables> = {
  user: {
    accountType: 'user',
    accounts: 'users',
    sessions: 'user_sessions',
    networks: 'user_networks',
    resets: 'password_resets',
    resetOwner: 'user_id',
    elevated: 'is_superuser',
  },
  admin: {
    accountType: 'admin',
    accounts: 'admins',
    sessions: 'admin_sessions',
    networks: 'admin_networks',
    resets: 'admin_password_resets',
    resetOwner: 'admin_id',
    elevated: 'is_superadmin',
  },
}

/** A statement that both account types have, each on its own tables. */
export const forEachAccountType = <Statement>(
  define: (tables: AccountTables) => Statement,
): Record<AccountType, Statement> => ({
  user: define(TABLES.user),
  admin: define(TABLES.admin),
})

/**
 * The parameters of a statement that runs on behalf of the account behind an access token. `legacy`: it is one of
 * the former service, which knew no sessions; `sessionId` is that of the session which the same token, while
 * it was a refresh token, would have been exchanged for.
 */
export const actor = { accountId: 'integer', sessionId: 'uuid', legacy: 'boolean?' } as const

/** Who a verified access token stands for. That the session is still open is for the database to say. */
export type Principal = { kind: AccountType } & Values<typeof actor>

const profile = {
  id: z.int(),
  username: z.string(),
  email: z.string(),
  full_name: z.nullable(z.string()),
  is_active: z.boolean(),
}

const times = { created_at: z.coerce.date(), updated_at: z.coerce.date() }

/** A user as responses show them. */
export const UserRead = z
  .object({ ...profile, is_superuser: z.boolean(), ...times })
  .check(z.meta({ id: 'UserRead' }))

/** An admin as responses show them. */
export const AdminRead = z
  .object({ ...profile, is_superadmin: z.boolean(), ...times })
  .check(z.meta({ id: 'AdminRead' }))

export type UserRead = z.output<typeof UserRead>

/** The columns of {@link UserRead}. Never `*`: a hash must not leave by accident. */
export const userColumns = columnsOf(UserRead)

/** The columns of {@link AdminRead}. */
export const adminColumns = columnsOf(AdminRead)

/** Whether an account may be used at all. */
export const isUsable = (account: string) =>
  `(${account}.is_active and ${account}.deleted_at is null)`

/** What an update of an account sets to end all its sessions, the spared one too. */
export const endSessions = (account: string) =>
  `session_epoch = ${account}.session_epoch + 1, kept_session = null`

/**
 * The new `resets_void_until` of an account whose password or email changes, or that may not be used any
 * more. Such an act deletes the open reset, but can't see one that was added while it waited for the account.
 */
export const VOID_RESETS = 'clock_timestamp()'

/** Whether a session is still open. */
export const isOpen = (session: string, account: string) => `(
  ${session}.revoked_at is null and ${session}.expires_at > now() and ${isUsable(account)}
  and (${session}.epoch = ${account}.session_epoch or ${session}.id = ${account}.kept_session)
)`

/**
 * Whether an account accepts tokens of the former service: it was adopted from there, and since then its
 * password hasn't changed and its sessions haven't been ended. An account made here never does: the former
 * service may have given its id to somebody else.
 */
export const acceptsLegacy = (account: string) => `(
  ${account}.adopted_at is not null and ${isUsable(account)}
  and ${account}.password_version = 0 and ${account}.session_epoch = 0
)`

/**
 * That the account `a` is the one behind an access token, and its session is open: a condition of every
 * protected statement. The session has a `select` of its own because PostgreSQL plans that in half the
 * time of a join, and these statements are planned at each call, when only one branch is left.
 *
 * A token of the former service has none, and must not have had one: it has 15 minutes left, but it may have been a
 * refresh token that was exchanged or logged out.
 */
export const isActor = (
  accountType: AccountType,
  { accountId, sessionId, legacy }: Placeholders<typeof actor>,
) => `(
  a.id = ${accountId} and case when ${legacy} then
    ${acceptsLegacy('a')}
    and not exists (select from ${TABLES[accountType].sessions} s where s.id = ${sessionId})
  else (
    select s.account_id = a.id and ${isOpen('s', 'a')}
    from ${TABLES[accountType].sessions} s where s.id = ${sessionId}
  ) end
)`

/** The account behind an access token, if its session is open. */
export const actorOf = (accountType: AccountType, placeholders: Placeholders<typeof actor>) => `
  select a.* from ${TABLES[accountType].accounts} a where ${isActor(accountType, placeholders)}`

/** What a person is called in an email. */
export const displayName = (account: string) =>
  `coalesce(${account}.full_name, ${account}.username)`

/** The session behind a verified access token has ended, or its account may not be used. */
export class SessionEndedError extends Error {
  override readonly name = 'SessionEndedError'
}

/**
 * What a statement returns that requires {@link isActor}: one row while the session is open.
 *
 * @throws {SessionEndedError} when there is no row
 */
export function oneAsActor<Row extends z.ZodMiniType>(row: Row) {
  const readRow = maybeOne(row)
  return (rows: unknown[]): z.output<Row> => {
    const found = readRow(rows)
    if (found === undefined) throw new SessionEndedError()
    return found
  }
}
