import { isActor, oneAsActor, userColumns } from './accounts.ts'
import { read } from './statement.ts'
import { forEachSort, itemsOf, listParameters, orderBy, passes, UserPage } from './user-list.ts'

/** Matches that are counted. Whoever sees more goes on typing. */
export const MAX_COUNTED = 10_000

type Name = 'username' | 'email'

/** Sorted behind whatever a name can contain. */
const LAST_CHARACTER = 0x10ffff

/**
 * That a name of the user `u` begins like this, in any case. As a range: after finding a name by `^@`
 * in an index, PostgreSQL compares it once more.
 */
const beginsWith = (name: Name, prefix: string) => `(
  lower(u.${name}) ~>=~ lower(${prefix})
  and lower(u.${name}) ~<~ (lower(${prefix}) || chr(${LAST_CHARACTER}))
)`

/**
 * The indexes of a search sort names within 4,096 ids, so that it can go through the newest ids first and
 * skip whatever has another name: `users_search_username`, `users_search_email`.
 */
const blockOf = (id: string) => `(${id} >> 12)`

/**
 * The users whose username or email begins like `search`, behind the one whose key is `after`, without
 * the first `offset`. Of each name, those that can be on the page are read in order, then merged. Sorted
 * by a name, few matches are sorted instead: they may be far apart in that order.
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
      const order = (byId ? [blockOf('u.id'), key] : [key])
        .map((by) => `${by} using ${ahead}`)
        .join(', ')
      const isOnPage = `(${$.after} is null or ${isBehind})`
      const isCapped = `(select matches from counted) > ${MAX_COUNTED}`
      const page = `limit ${$.limit} + ${$.offset}`
      /** The first by one name that can be on the page. */
      const firstBy = (name: Name) => `
        select u.id, ${key} as key from users u
        where ${passes($)} and ${beginsWith(name, $.search)} and ${isOnPage}
        ${byId ? '' : `and ${isCapped}`}
        order by ${order} ${page}`
      /** Of few matches, the first that can be on the page. */
      const firstOfFew = `
        select u.id, ${key} as key from matches join users u using (id)
        where not ${isCapped} and ${isOnPage}
        order by ${order} ${page}`
      const first = [firstBy('username'), firstBy('email'), ...(byId ? [] : [firstOfFew])]
      /** To be counted: any, in the order in which they are stored. */
      const someBy = (name: Name) => `
        select u.id from users u where ${passes($)} and ${beginsWith(name, $.search)}
        order by ${blockOf('u.id')} limit ${MAX_COUNTED + 1}`
      return `
      with by_username as materialized (${someBy('username')}),
      matches as materialized (
        select id from by_username union (${someBy('email')})
      ),
      counted as materialized (
        select case when count(*) > ${MAX_COUNTED} then count(*)
          else (select count(*) from matches) end as matches
        from by_username
      )
      select least(matches, ${MAX_COUNTED}) as total, matches > ${MAX_COUNTED} as total_is_capped,
      ${itemsOf(`
        select ${userColumns} from (
          ${first.map((each) => `(${each})`).join(' union ')}
          order by key using ${ahead} limit ${$.limit} offset ${$.offset}
        ) as found join users u using (id) order by key using ${ahead}`)}
      from admins a, counted where ${isActor('admin', $)}`
    },
  }),
)
