import * as z from 'zod/mini'
import { actor, isActor, oneAsActor, UserRead, userColumns } from './accounts.ts'
import { type Placeholders, read } from './statement.ts'

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

export const forEachSort = <List>(
  define: (sort: (typeof USER_SORTS)[UserSort]) => List,
): Record<UserSort, List> => ({
  '-created_at': define(USER_SORTS['-created_at']),
  created_at: define(USER_SORTS.created_at),
  username: define(USER_SORTS.username),
  '-username': define(USER_SORTS['-username']),
  email: define(USER_SORTS.email),
  '-email': define(USER_SORTS['-email']),
})

/**
 * An order as SQL, for the users `u`: `key` is what is sorted, by the operator `ahead`; `back` sorts the
 * other way round. `~<~` is how the indexes sort text.
 */
export function orderBy({ column, descending }: (typeof USER_SORTS)[UserSort]) {
  const byId = column === 'id'
  const [less, greater] = byId ? (['<', '>'] as const) : (['~<~', '~>~'] as const)
  const [ahead, back] = descending ? [greater, less] : [less, greater]
  return {
    ...{ byId, ahead, back },
    key: byId ? 'u.id' : `lower(u.${column})`,
    /** A value of the key that a cursor holds as text. */
    keyOf: (value: string) => (byId ? `${value}::integer` : `lower(${value})`),
  }
}

const filter = { deleted: 'boolean', isActive: 'boolean?' } as const

export const listParameters = { ...actor, ...filter, limit: 'integer' } as const

/** That the user `u` passes the filters. PostgreSQL sees their values when it plans: a filter not given costs nothing. */
export const passes = ({ deleted, isActive }: Placeholders<typeof filter>) => `
  (u.deleted_at is not null) = ${deleted} and (${isActive} is null or u.is_active = ${isActive})`

/** How many users pass the filters. Triggers keep the totals: counting a million takes 60 ms. */
const countOf = ({ deleted, isActive }: Placeholders<typeof filter>) => {
  const counted = `t where ${isActive} is null or t.is_active = ${isActive}`
  return `case when ${deleted}
    then (select sum(total)::bigint from deleted_user_totals ${counted})
    else (select sum(total)::bigint from user_totals ${counted}) end`
}

/** A page, and how many users there are in all: more than `total` if that is capped. */
export const UserPage = z.object({
  total: z.coerce.number().check(z.int()),
  total_is_capped: z.boolean(),
  items: z.array(UserRead),
})

/** The users that `page` selects, in its order, as `items`. */
export const itemsOf = (page: string) =>
  `coalesce((select json_agg(page) from (${page}) as page), '[]') as items`

/** The first users, or those behind the one whose key is `after`, and how many there are in all. */
export const listUsers = forEachSort((sort) =>
  read({
    parameters: { ...listParameters, after: 'text?' },
    returns: oneAsActor(UserPage),
    sql: ($) => {
      const { key, ahead, keyOf } = orderBy(sort)
      return `
      select ${countOf($)} as total, false as total_is_capped, ${itemsOf(`
        select ${userColumns} from users u
        where ${passes($)} and (${$.after} is null or ${keyOf($.after)} ${ahead} ${key})
        order by ${key} using ${ahead} limit ${$.limit}`)}
      from admins a where ${isActor('admin', $)}`
    },
  }),
)

/**
 * The users behind the first `offset`. Where they start is found by walking an index alone, from the
 * end that is nearer: at most half of it.
 */
export const listUsersByNumber = forEachSort((sort) =>
  read({
    parameters: { ...listParameters, offset: 'integer' },
    returns: oneAsActor(UserPage),
    sql: ($) => {
      const { key, ahead, back } = orderBy(sort)
      const keyAt = (offset: string, operator: string) => `(
        select ${key} from users u where ${passes($)}
        order by ${key} using ${operator} limit 1 offset ${offset}
      )`
      const orEqual = ahead.replace(/[<>]/, '$&=')
      return `
      with counted as materialized (
        select ${countOf($)} as total from admins a where ${isActor('admin', $)}
      ), start as materialized (
        select case
          when ${$.offset} < total / 2 then ${keyAt($.offset, ahead)}
          when ${$.offset} < total then ${keyAt(`total - 1 - ${$.offset}`, back)}
        end as key from counted
      )
      select total, false as total_is_capped, ${itemsOf(`
        select ${userColumns} from users u
        where ${passes($)} and (select key from start) ${orEqual} ${key}
        order by ${key} using ${ahead} limit ${$.limit}`)}
      from counted`
    },
  }),
)
