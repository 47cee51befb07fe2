import * as z from 'zod/mini'
import { ACTIONS, AuditEvent, listAuditEvents } from '../../db/audit-events.ts'
import { superadminOnly } from '../../errors.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { query } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { withRateLimit } from '../../rate-limit/limit.ts'
import { cursorOf, encodeCursor } from '../cursor.ts'
import { AccountId } from '../input.ts'

const AccountTypes = z.enum(['user', 'admin'])

/** Years of four digits: `toISOString` writes others with a sign, which PostgreSQL does not read. */
const Time = z
  .pipe(
    z.iso.datetime({ offset: true }),
    z.transform((time) => new Date(time)),
  )
  .check(z.refine((time) => time.getUTCFullYear() >= 1 && time.getUTCFullYear() <= 9999))

const MAX_PAGE_SIZE = 100

const AuditQuery = z.object({
  action: z.optional(z.enum(ACTIONS)),
  outcome: z.optional(z.enum(['success', 'failure'])),
  actor_kind: z.optional(AccountTypes),
  actor_id: z.optional(AccountId.shape.id),
  target_kind: z.optional(AccountTypes),
  target_id: z.optional(AccountId.shape.id),
  since: z.optional(Time),
  until: z.optional(Time),
  page_size: z._default(
    z.coerce.number().check(z.int(), z.minimum(1), z.maximum(MAX_PAGE_SIZE)),
    50,
  ),
  cursor: z.optional(cursorOf(z.object({ before: z.int().check(z.positive()) }))),
})

const AuditList = z
  .object({
    items: z.array(AuditEvent).check(z.maxLength(MAX_PAGE_SIZE)),
    next_cursor: z.nullable(z.string()),
  })
  .check(z.meta({ id: 'AuditList' }))

export const listAudit = endpoint(
  contract({
    operationId: 'listAuditEvents',
    summary: 'List audit events',
    description: 'Newest first: who did what, to which account, from where, and with which result.',
    responses: { 200: { description: 'A page of audit events', schema: AuditList } },
    errors: [superadminOnly],
  }),
  authenticate('admin'),
  query(AuditQuery),
  async (c) => {
    const { page_size: size, cursor, ...filter } = c.req.valid('query')
    const { db, claims } = c.var
    const found = await withRateLimit(c, () =>
      listAuditEvents(db, {
        ...claims,
        action: filter.action,
        outcome: filter.outcome,
        actorKind: filter.actor_kind,
        actorId: filter.actor_id,
        targetKind: filter.target_kind,
        targetId: filter.target_id,
        since: filter.since?.toISOString(),
        until: filter.until?.toISOString(),
        before: cursor?.before,
        limit: size + 1,
      }),
    )
    if (!found.is_superadmin) throw superadminOnly()
    const items = found.events.slice(0, size)
    const last = found.events.length > size ? items.at(-1) : undefined
    return c.json({ items, next_cursor: last ? encodeCursor({ before: last.id }) : null }, 200)
  },
)
