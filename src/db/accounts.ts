import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import type { AccessClaims, Role } from '../tokens/access.ts'
import type { AccountKind } from '../tokens/derived.ts'
import { adminSessions, admins, userSessions, users } from './schema.ts'

/** The tables of a kind of account, and its mark of higher rights. */
export const tables = {
  user: { accounts: users, sessions: userSessions, rank: sql.raw('is_superuser') },
  admin: { accounts: admins, sessions: adminSessions, rank: sql.raw('is_superadmin') },
} as const satisfies Record<AccountKind, unknown>

const profile = {
  id: z.int(),
  username: z.string(),
  email: z.string(),
  full_name: z.string().nullable(),
  is_active: z.boolean(),
}

const times = { created_at: z.coerce.date(), updated_at: z.coerce.date() }

/** A user as answers show them. */
export const UserRead = z
  .object({ ...profile, is_superuser: z.boolean(), ...times })
  .meta({ id: 'UserRead' })

/** An admin as answers show them. */
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
export const actorOf = ({ kind, accountId, sessionId }: AccessClaims): SQL => sql`
  select a.* from ${tables[kind].sessions} s
  join ${tables[kind].accounts} a on a.id = s.account_id
  where s.id = ${sessionId}::uuid and a.id = ${accountId}::int and ${alive}`

/** What a person is called in a mail. `a` is the account. */
export const calledName = sql.raw('coalesce(a.full_name, a.username)')

export const roleOf = (kind: AccountKind, ranked: boolean): Role =>
  kind === 'user' ? (ranked ? 'superuser' : 'user') : ranked ? 'superadmin' : 'admin'
