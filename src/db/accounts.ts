import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import { type Connection, many } from './client.ts'
import { adminSessions, admins, userSessions, users } from './schema.ts'

/** Users and admins are apart in every table, key and token. */
export type AccountType = 'user' | 'admin'

/** Who a verified access token stands for. That the session is still open is for the database to say. */
export type Principal = { kind: AccountType; accountId: number; sessionId: string }

/** The tables of an account type, and its mark of higher rights. */
export const tables = {
  user: { accounts: users, sessions: userSessions, rank: sql.raw('is_superuser') },
  admin: { accounts: admins, sessions: adminSessions, rank: sql.raw('is_superadmin') },
} as const satisfies Record<AccountType, unknown>

const profile = {
  id: z.int(),
  username: z.string(),
  email: z.string(),
  full_name: z.string().nullable(),
  is_active: z.boolean(),
}

const times = { created_at: z.coerce.date(), updated_at: z.coerce.date() }

/** A user as responses show them. */
export const UserRead = z
  .object({ ...profile, is_superuser: z.boolean(), ...times })
  .meta({ id: 'UserRead' })

/** An admin as responses show them. */
export const AdminRead = z
  .object({ ...profile, is_superadmin: z.boolean(), ...times })
  .meta({ id: 'AdminRead' })

export type UserRead = z.output<typeof UserRead>

/** The columns of {@link UserRead}. Never `*`: a hash must not leave by accident. */
export const userColumns = sql.raw(
  'id, username, email, full_name, is_active, is_superuser, created_at, updated_at',
)

/** The columns of {@link AdminRead}. */
export const adminColumns = sql.raw(
  'id, username, email, full_name, is_active, is_superadmin, created_at, updated_at',
)

/** Whether an account may be used at all. `a` is the account. */
export const usable = sql.raw('(a.is_active and a.deleted_at is null)')

/** Whether a session still counts. `s` is the session, `a` its account. */
export const alive = sql`(
  s.revoked_at is null and s.expires_at > now() and ${usable}
  and (s.epoch = a.session_epoch or s.id = a.kept_session)
)`

/** The account behind an access token, if its session counts: what every protected statement joins. */
export const actorOf = ({ kind, accountId, sessionId }: Principal): SQL => sql`
  select a.* from ${tables[kind].sessions} s
  join ${tables[kind].accounts} a on a.id = s.account_id
  where s.id = ${sessionId}::uuid and a.id = ${accountId}::int and ${alive}`

/** What a person is called in a mail. `a` is the account. */
export const calledName = sql.raw('coalesce(a.full_name, a.username)')

/** The session behind a verified access token has ended, or its account may not be used. */
export class SessionEndedError extends Error {
  override readonly name = 'SessionEndedError'
}

/**
 * Runs a statement on behalf of the account behind an access token: one that joins
 * {@link actorOf} and so returns no row once the session has ended.
 *
 * @throws {SessionEndedError} when there is no row
 */
export async function oneAsActor<Row extends z.ZodType>(
  connection: Connection,
  row: Row,
  statement: SQL,
): Promise<z.output<Row>> {
  const [found] = await manyAsActor(connection, row, statement)
  if (found === undefined) throw new SessionEndedError()
  return found
}

/** The same for a statement that returns at least one row while the session is open. */
export async function manyAsActor<Row extends z.ZodType>(
  connection: Connection,
  row: Row,
  statement: SQL,
): Promise<z.output<Row>[]> {
  const found = await many(connection, row, statement)
  if (found.length === 0) throw new SessionEndedError()
  return found
}
