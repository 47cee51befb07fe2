import { isActor, oneAsActor, userColumns } from './accounts.ts'
import { read } from './statement.ts'
import { forEachSort, itemsOf, listParameters, orderBy, passes, UserPage } from './user-list.ts'

/** Matches that are counted. Whoever sees more goes on typing. */
export const MAX_COUNTED = 10_000

/** That a name of the user `u` begins like this, in any case. As a range, which indexes check exactly, unlike `^@`. */
const beginsWith = (name: Name, prefix: string) => `(
  lower(u.${name}) ~>=~ lower(${prefix}) and lower(u.${name}) ~<~ (lower(${prefix}) || chr(${LAST_CHARACTER}))
)`

const LAST_CHARACTER = 0x10ffff

type Name = 'username' | 'email'

/**
 * The indexes of a search sort names within 4,096 ids, so that it can go through the newest ids first and
 * skip whatever has another name: `users_search_username`, `users_search_email`.
 */
const blockOf = (id: string) => `(${id} >> 12)`

/**
 * The users whose username or email begins like `search`, behind the one whose key is `after`, without
 * the first `offset`. Of each name the first that can be on the page are read in order, then merged.
 */
export const searchUsers = forEachSort((sort) =>
  read({
    parameters: {
      ...listParameters,
      search: 'text',
      after: 'text?',
      offset: 'integer',
    },
    returns: oneAsActor(UserPage),
    sql: ($) => {
      const { byId, key, ahead, keyOf } = orderBy(sort)
      const isBehind = [
        `${keyOf($.after)} ${ahead} ${key}`,
        ...(byId ? [`${blockOf(keyOf($.after))} ${ahead}= ${blockOf('u.id')}`] : []),
      ].join(' and ')
      const order = [...(byId ? [blockOf('u.id')] : []), key].map((by) => `${by} using ${ahead}`)
      const first = (name: Name) => `
        select u.id, ${key} as key from users u
        where ${passes($)} and ${beginsWith(name, $.search)} and (${$.after} is null or ${isBehind})
        order by ${order} limit ${$.limit} + ${$.offset}`
      const some = (name: Name) => `
        select u.id from users u where ${passes($)} and ${beginsWith(name, $.search)}
        order by ${blockOf('u.id')} limit ${MAX_COUNTED + 1}`
      return `
      with by_username as materialized (${some('username')}),
      counted as materialized (
        select case when count(*) > ${MAX_COUNTED} then count(*) else (
          select count(*) from (
            select id from by_username union (${some('email')})
          ) as matches
        ) end as matches from by_username
      )
      select least(matches, ${MAX_COUNTED}) as total, matches > ${MAX_COUNTED} as total_is_capped,
      ${itemsOf(`
        select ${userColumns} from (
          (${first('username')}) union (${first('email')})
          order by key using ${ahead} limit ${$.limit} offset ${$.offset}
        ) as found join users u using (id) order by key using ${ahead}`)}
      from admins a, counted where ${isActor('admin', $)}`
    },
  }),
)
