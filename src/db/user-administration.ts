import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import type { Principal } from './accounts.ts'
import { actorOf, oneAsActor, UserRead, userColumns } from './accounts.ts'
import { type Action, auditLine, type RequestSource } from './audit-events.ts'
import type { Database } from './client.ts'
import { passwordResets, users, userTotals } from './schema.ts'

/**
 * The orders of the list. Each column is unique, so a value alone says where a page ends; creation
 * goes by id, which rises alike.
 */
export const USER_SORTS = {
  '-created_at': { column: 'id', descending: true },
  created_at: { column: 'id', descending: false },
  username: { column: 'username', descending: false },
  '-username': { column: 'username', descending: true },
  email: { column: 'email', descending: false },
  '-email': { column: 'email', descending: true },
} as const

export type UserSort = keyof typeof USER_SORTS

export type UserPage = {
  size: number
  /** Where it starts: behind so many many, or behind the row that has this value. */
  start: { offset: number } | { after: string }
  sort: UserSort
  /** How a username or an email begins, in any case. */
  search: string | undefined
  isActive: boolean | undefined
  deleted: boolean
}

const UserPageRow = z.object({ total: z.coerce.number().int(), items: z.array(UserRead) })

/**
 * A page of users, with one row more than asked for where there is a next page, and how many there
 * are in all.
 */
export function listUsers({ read }: Database, claims: Principal, page: UserPage) {
  const filter = filterOf(page)
  const [order, behind] = orderOf(page)
  return oneAsActor(
    read,
    UserPageRow,
    sql`
    with actor as (${actorOf(claims)}), page as (
      select ${userColumns} from ${users} u
      where exists (select from actor) and ${filter} and ${behind}
      order by ${order}
      limit ${page.size + 1} offset ${'offset' in page.start ? page.start.offset : 0}
    )
    select (${totalOf(page, filter)}) as total,
      coalesce((select json_agg(page) from page), '[]') as items
    from actor`,
  )
}

function filterOf({ search, isActive, deleted }: UserPage): SQL {
  return sql.join(
    [
      deleted ? sql`u.deleted_at is not null` : sql`u.deleted_at is null`,
      ...(isActive === undefined ? [] : [sql`u.is_active = ${isActive}`]),
      ...(search === undefined
        ? []
        : [sql`(lower(u.username) ^@ lower(${search}) or lower(u.email) ^@ lower(${search}))`]),
    ],
    sql` and `,
  )
}

/** The order, and the condition that a row lies behind the start. `~<~` is how the indexes sort text. */
function orderOf({ sort, start }: UserPage): [SQL, SQL] {
  const { column, descending } = USER_SORTS[sort]
  const byId = column === 'id'
  const key = sql.raw(byId ? 'u.id' : `lower(u.${column})`)
  const before = sql.raw(byId ? '<' : '~<~')
  const after = sql.raw(byId ? '>' : '~>~')
  return [
    sql`${key} using ${descending ? after : before}`,
    'after' in start
      ? sql`${key} ${descending ? before : after} ${byId ? sql`${start.after}::int` : sql`lower(${start.after})`}`
      : sql`true`,
  ]
}

/** Totals are kept by a trigger; only a search and the deleted are counted. */
function totalOf({ search, isActive, deleted }: UserPage, filter: SQL): SQL {
  if (search !== undefined || deleted) return sql`select count(*) from ${users} u where ${filter}`
  return sql`
    select sum(total) from ${userTotals}
    where ${isActive === undefined ? sql`true` : sql`is_active = ${isActive}`}`
}

const FoundUser = z.object({ user: UserRead.nullable() })

/** Any user, deleted ones too. No `user`: there is none. */
export const readUser = ({ read }: Database, claims: Principal, id: number) =>
  oneAsActor(
    read,
    FoundUser,
    sql`
    with actor as (${actorOf(claims)}), found as (select ${userColumns} from ${users} where id = ${id})
    select (select to_json(found) from found) as user from actor`,
  )

const Acted = FoundUser.extend({ actor_is_superadmin: z.boolean() })

/** `user` is null when there is none that the act applies to. */
export type Acted = z.output<typeof Acted>

type Act = { action: Action; set: SQL; where?: SQL; trace: RequestSource }

/** One act of an admin on a user, with its line in the audit trail. */
function actOnUser({ write }: Database, claims: Principal, id: number, act: Act) {
  return oneAsActor(
    write,
    Acted,
    sql`
    with actor as (${actorOf(claims)}), changed as (
      update ${users} u set ${act.set}, updated_at = now()
      from actor where u.id = ${id} and ${act.where ?? sql`true`}
      returning u.*
    ), closed as (
      delete from ${passwordResets} where user_id in (
        select id from changed where deleted_at is not null or not is_active
      )
    ), audited as (${auditLine(
      {
        action: act.action,
        actor: { kind: 'admin', id: claims.accountId },
        target: { kind: 'user', id: sql`id` },
        trace: act.trace,
      },
      sql`from changed`,
    )})
    select actor.is_superadmin as actor_is_superadmin, (
      select to_json(answer) from (select ${userColumns} from changed) as answer
    ) as user
    from actor`,
  )
}

/** Ends every session of `u`, the spared one too. */
const END_SESSIONS = sql.raw('session_epoch = u.session_epoch + 1, kept_session = null')

export type UserChange = {
  is_active?: boolean | undefined
  full_name?: string | null | undefined
  is_superuser?: boolean | undefined
}

/**
 * Sets the fields that are given. Disabling and demoting end the user's sessions. Only a superadmin
 * sets `is_superuser`: without that right no `user` is answered and nothing changes.
 */
export function updateUserBy(
  db: Database,
  claims: Principal,
  id: number,
  { change, trace }: { change: UserChange; trace: RequestSource },
) {
  const ends = sql`(
    u.is_active and not coalesce(${change.is_active ?? null}, u.is_active)
    or u.is_superuser and not coalesce(${change.is_superuser ?? null}, u.is_superuser)
  )`
  return actOnUser(db, claims, id, {
    action: 'user_updated',
    set: sql`
      is_active = coalesce(${change.is_active ?? null}, u.is_active),
      is_superuser = coalesce(${change.is_superuser ?? null}, u.is_superuser),
      full_name = ${change.full_name === undefined ? sql`u.full_name` : sql`${change.full_name}::text`},
      session_epoch = case when ${ends} then u.session_epoch + 1 else u.session_epoch end,
      kept_session = case when ${ends} then null else u.kept_session end`,
    where: sql`u.deleted_at is null and ${change.is_superuser === undefined ? sql`true` : sql`actor.is_superadmin`}`,
    trace,
  })
}

/** Deletes a user softly and ends all sessions. No `user`: none, or deleted already. */
export const deleteUser = (db: Database, claims: Principal, id: number, trace: RequestSource) =>
  actOnUser(db, claims, id, {
    action: 'user_deleted',
    set: sql`deleted_at = now(), ${END_SESSIONS}`,
    where: sql`u.deleted_at is null`,
    trace,
  })

/** Takes a deletion back. Sessions stay ended. No `user`: there is no such user. */
export const restoreUser = (db: Database, claims: Principal, id: number, trace: RequestSource) =>
  actOnUser(db, claims, id, { action: 'user_restored', set: sql`deleted_at = null`, trace })

/** Signs a user out everywhere. No `user`: there is no such user. */
export const revokeUserSessions = (
  db: Database,
  claims: Principal,
  id: number,
  trace: RequestSource,
) => actOnUser(db, claims, id, { action: 'user_sessions_revoked', set: END_SESSIONS, trace })
