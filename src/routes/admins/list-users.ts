import * as z from 'zod/mini'
import { UserRead } from '../../db/accounts.ts'
import {
  listUsers as findUsers,
  listUsersByNumber,
  USER_SORTS,
  type UserSort,
} from '../../db/user-list.ts'
import { MAX_COUNTED, searchUsers } from '../../db/user-search.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { query } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { withRateLimit } from '../../rate-limit/limit.ts'
import { cursorOf, encodeCursor } from '../cursor.ts'
import { AccountId, Flag, Identifier, text } from '../input.ts'

const SORTS = Object.keys(USER_SORTS) as [UserSort, ...UserSort[]]

/** OFFSET reads what it skips; beyond this one pages by cursor. */
const LAST_PAGE = 100_000

const DEFAULT_PAGE_SIZE = 10

const MAX_PAGE_SIZE = 100

/** Where a page ended. A cursor is only valid for the sort it was issued with. */
const Position = z
  .object({ sort: z.enum(SORTS), after: text(z.string().check(z.maxLength(300))) })
  .check(
    z.refine(({ sort, after }) => USER_SORTS[sort].column !== 'id' || isId(after), {
      path: ['after'],
      message: 'is not a valid cursor',
    }),
  )

/** Decimal digits only: JavaScript reads `1e3` as a number, PostgreSQL does not. */
const isId = (after: string) => /^\d+$/.test(after) && AccountId.shape.id.safeParse(after).success

const UserQuery = z
  .object({
    page: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(LAST_PAGE)), 1),
    page_size: z._default(
      z.coerce.number().check(z.int(), z.minimum(1), z.maximum(MAX_PAGE_SIZE)),
      DEFAULT_PAGE_SIZE,
    ),
    is_active: z.optional(Flag),
    search: z.optional(Identifier).check(
      z.meta({
        description: 'Prefix of the username or the email; case is ignored',
      }),
    ),
    sort: z._default(z.enum(SORTS), '-created_at'),
    cursor: z.optional(cursorOf(Position)).check(
      z.meta({
        description: '`next_cursor` of the previous page. `page` is ignored when it is given',
      }),
    ),
    deleted: z._default(Flag, false).check(z.meta({ description: 'List deleted users instead' })),
  })
  .check(
    z.refine(
      ({ search, cursor, page, page_size: size }) =>
        !search || cursor || page * size <= MAX_COUNTED,
      {
        path: ['page'],
        message: `is beyond the ${MAX_COUNTED} matches that are counted: page by cursor`,
      },
    ),
    z.refine(({ cursor, sort }) => !cursor || cursor.sort === sort, {
      path: ['cursor'],
      message: 'is only valid for the sort it was issued with',
    }),
  )

const UserList = z
  .object({
    items: z.array(UserRead).check(z.maxLength(MAX_PAGE_SIZE)),
    total: z.int(),
    total_is_capped: z.boolean().check(
      z.meta({
        description: `Whether the search matches more users than \`total\`: at most ${MAX_COUNTED} are counted`,
      }),
    ),
    page: z.int(),
    page_size: z.int(),
    total_pages: z.int(),
    next_cursor: z.nullable(z.string()),
  })
  .check(z.meta({ id: 'UserList' }))

export const listUsers = endpoint(
  contract({
    operationId: 'listUsers',
    summary: 'List users',
    description:
      'Newest first by default. Page by number, or by `cursor`, which neither skips nor repeats users while others are added.',
    responses: { 200: { description: 'A page of users', schema: UserList } },
  }),
  authenticate('admin'),
  query(UserQuery),
  async (c) => {
    const {
      page,
      page_size: size,
      cursor,
      sort,
      search,
      is_active: isActive,
      deleted,
    } = c.req.valid('query')
    const { db, claims } = c.var
    const range = { ...claims, isActive, deleted, limit: size + 1 }
    const after = cursor?.after
    const offset = cursor ? 0 : (page - 1) * size
    const find = () =>
      search !== undefined
        ? searchUsers[sort](db, { ...range, search, after, offset })
        : offset > 0
          ? listUsersByNumber[sort](db, { ...range, offset })
          : findUsers[sort](db, { ...range, after })
    const found = await withRateLimit(c, find)
    const items = found.items.slice(0, size)
    const last = found.items.length > size ? items.at(-1) : undefined
    return c.json(
      {
        items,
        total: found.total,
        total_is_capped: found.total_is_capped,
        page,
        page_size: size,
        total_pages: Math.ceil(found.total / size),
        next_cursor: last
          ? encodeCursor({ sort, after: String(last[USER_SORTS[sort].column]) })
          : null,
      },
      200,
    )
  },
)
