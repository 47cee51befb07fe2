import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import type { Principal } from './accounts.ts'
import { AdminRead, actorOf, adminColumns, oneAsActor } from './accounts.ts'
import { auditLine, type RequestSource } from './audit-events.ts'
import { type Database, maybeOne } from './client.ts'
import { admins } from './schema.ts'

type NewAdmin = {
  username: string
  email: string
  fullName: string | null
  passwordHash: string
  isSuperadmin: boolean
  trace: RequestSource
}

/**
 * Adds the first admin, a superadmin, if there is none. Of parallel callers the unique index on
 * `is_first` lets one through; the others fail with `admins_first_key`. No row: there are admins.
 */
export const insertFirstAdmin = ({ write }: Database, admin: NewAdmin) =>
  maybeOne(
    write,
    AdminRead,
    sql`
    with created as (${insertAdmin({ ...admin, isSuperadmin: true }, sql`true`)}
      where not exists (select from ${admins})
      returning ${adminColumns}
    ), audited as (${auditLine(
      { action: 'register', actor: { kind: 'admin', id: sql`id` }, trace: admin.trace },
      sql`from created`,
    )})
    select ${adminColumns} from created`,
  )

const RegisteredByAdmin = z.object({
  actor_is_superadmin: z.boolean(),
  created: AdminRead.nullable(),
})

/**
 * Adds an admin on a superadmin's word. No row: the caller's session has ended. Not `created`: the
 * caller is no superadmin.
 */
export const insertAdminBy = ({ write }: Database, claims: Principal, admin: NewAdmin) =>
  oneAsActor(
    write,
    RegisteredByAdmin,
    sql`
    with actor as (${actorOf(claims)}), created as (${insertAdmin(admin, sql`false`)}
      from actor where actor.is_superadmin
      returning ${adminColumns}
    ), audited as (${auditLine(
      {
        action: 'register',
        actor: { kind: 'admin', id: claims.accountId },
        target: { kind: 'admin', id: sql`id` },
        trace: admin.trace,
      },
      sql`from created`,
    )})
    select actor.is_superadmin as actor_is_superadmin,
      (select to_json(created) from created) as created
    from actor`,
  )

const insertAdmin = (admin: NewAdmin, isFirst: SQL) => sql`
  insert into ${admins} (username, email, full_name, hashed_password, is_superadmin, is_first)
  select ${admin.username}, ${admin.email}, ${admin.fullName}, ${admin.passwordHash},
    ${admin.isSuperadmin}::boolean, ${isFirst}`

/** The admin behind an access token. No row: the session has ended. */
export const findAdmin = ({ read }: Database, claims: Principal) =>
  oneAsActor(
    read,
    AdminRead,
    sql`with actor as (${actorOf(claims)}) select ${adminColumns} from actor`,
  )
