import * as z from 'zod'
import { actor, actorOf, oneAsActor, UserRead, userColumns } from './accounts.ts'
import { read } from './statement.ts'

/**
 * The orders of the list. Each column is unique, so a value alone says where a page ends; creation
 * is ordered by id, which rises with it.
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

const UserPage = z.object({ total: z.coerce.number().int(), items: z.array(UserRead) })

/**
 * A page of users, and how many there are in all. The page starts behind `offset` rows, or behind the
 * row whose column has the value `after`. `search` is how a username or an email begins, in any case.
 */
const listUsersBy = ({ column, descending }: (typeof USER_SORTS)[UserSort]) =>
  read({
    parameters: {
      ...actor,
      deleted: 'boolean',
      isActive: 'boolean?',
      search: 'text?',
      after: 'text?',
      offset: 'integer',
      limit: 'integer',
    },
    returns: oneAsActor(UserPage),
    sql: ($) => {
      const byId = column === 'id'
      const key = byId ? 'u.id' : `lower(u.${column})`
      const after = byId ? `${$.after}::integer` : `lower(${$.after})`
      // `~<~` is how the indexes sort text.
      const [before, behind] = byId ? ['<', '>'] : ['~<~', '~>~']
      const filter = `(u.deleted_at is not null) = ${$.deleted}
        and (${$.isActive} is null or u.is_active = ${$.isActive})
        and (${$.search} is null
          or lower(u.username) ^@ lower(${$.search}) or lower(u.email) ^@ lower(${$.search}))`
      // Totals are kept by a trigger; only a search and the deleted are counted.
      return `
      with actor as (${actorOf('admin', $)}), page as (
        select ${userColumns} from users u
        where exists (select from actor) and ${filter}
          and (${$.after} is null or ${key} ${descending ? before : behind} ${after})
        order by ${key} using ${descending ? behind : before}
        limit ${$.limit} offset ${$.offset}
      )
      select
        case when ${$.search} is null and not ${$.deleted} then (
          select sum(total) from user_totals
          where ${$.isActive} is null or is_active = ${$.isActive}
        ) else (
          select count(*) from users u where ${filter}
        ) end as total,
        coalesce((select json_agg(page) from page), '[]') as items
      from actor`
    },
  })

export const listUsers = {
  '-created_at': listUsersBy(USER_SORTS['-created_at']),
  created_at: listUsersBy(USER_SORTS.created_at),
  username: listUsersBy(USER_SORTS.username),
  '-username': listUsersBy(USER_SORTS['-username']),
  email: listUsersBy(USER_SORTS.email),
  '-email': listUsersBy(USER_SORTS['-email']),
} satisfies Record<UserSort, unknown>
