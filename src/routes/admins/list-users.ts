import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'
import { UserRead } from '../../db/accounts.ts'
import {
  listUsers as findUsers,
  USER_SORTS,
  type UserSort,
} from '../../db/user-administration.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { beside } from '../../rate-limit/limit.ts'
import { query } from '../../middleware/validate.ts'
import { cursorOf, encodeCursor } from '../cursor.ts'
import { AccountId, text } from '../input.ts'

const SORTS = Object.keys(USER_SORTS) as [UserSort, ...UserSort[]]

/** OFFSET reads what it skips; beyond this one pages by cursor. */
const LAST_PAGE = 100_000

const DEFAULT_PAGE_SIZE = 10

/** Where a page ended, and in which order: a cursor of one order is none of another. */
const Position = z
  .object({ sort: z.enum(SORTS), after: text(z.string().max(300)) })
  .refine(({ sort, after }) => USER_SORTS[sort].column !== 'id' || isId(after), {
    path: ['after'],
    message: 'is not a cursor of this list',
  })

/** Decimal digits only: `1e3` is a number to JavaScript and none to PostgreSQL. */
const isId = (after: string) => /^\d+$/.test(after) && AccountId.shape.id.safeParse(after).success

const UserQuery = z
  .object({
    page: z.coerce.number().int().min(1).max(LAST_PAGE).default(1),
    page_size: z.coerce.number().int().min(1).max(100).default(DEFAULT_PAGE_SIZE),
    is_active: z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] }).optional(),
    search: text(z.string().trim().min(1).max(254))
      .optional()
      .meta({ description: 'How the username or the email begins, in any case' }),
    sort: z.enum(SORTS).default('-created_at'),
    cursor: cursorOf(Position)
      .optional()
      .meta({ description: '`next_cursor` of the page before; `page` is ignored then' }),
    deleted: z
      .stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] })
      .default(false)
      .meta({ description: 'The deleted users instead of the others' }),
  })
  .refine(({ cursor, sort }) => !cursor || cursor.sort === sort, {
    path: ['cursor'],
    message: 'belongs to another sort',
  })

const UserList = z
  .object({
    items: z.array(UserRead),
    total: z.int(),
    page: z.int(),
    page_size: z.int(),
    total_pages: z.int(),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'UserList' })

export const listUsers = endpoint(
  contract({
    summary: 'List the users',
    description: 'Newest first. Page by number, or without end and gaps by `cursor`.',
    limited: true,
    answers: { 200: { description: 'A page of users', schema: UserList } },
  }),
  authenticate('admin'),
  query(UserQuery),
  async (c) => {
    const { page, page_size: size, cursor, sort, ...filter } = c.req.valid('query')
    const found = await beside(c, () =>
      findUsers(c.var.db, c.var.claims, {
        size,
        sort,
        start: cursor ? { after: cursor.after } : { offset: (page - 1) * size },
        search: filter.search,
        isActive: filter.is_active,
        deleted: filter.deleted,
      }),
    )
    if (!found) throw notAuthenticated()
    const items = found.items.slice(0, size)
    const last = found.items.length > size ? items.at(-1) : undefined
    return c.json(
      {
        items,
        total: found.total,
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
