import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'
import { ACTIONS, AuditEvent, listAuditEvents } from '../../db/audit-events.ts'
import { ApiError } from '../../errors.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { beside } from '../../rate-limit/limit.ts'
import { query } from '../../middleware/validate.ts'
import { cursorOf, encodeCursor } from '../cursor.ts'
import { AccountId } from '../input.ts'

const AccountKinds = z.enum(['user', 'admin'])

/** Years of four digits: `toISOString` writes others with a sign, which PostgreSQL does not read. */
const Time = z.iso
  .datetime({ offset: true })
  .transform((time) => new Date(time))
  .refine((time) => time.getUTCFullYear() >= 1 && time.getUTCFullYear() <= 9999)

const AuditQuery = z.object({
  action: z.enum(ACTIONS).optional(),
  outcome: z.enum(['success', 'failure']).optional(),
  actor_kind: AccountKinds.optional(),
  actor_id: AccountId.shape.id.optional(),
  target_kind: AccountKinds.optional(),
  target_id: AccountId.shape.id.optional(),
  since: Time.optional(),
  until: Time.optional(),
  page_size: z.coerce.number().int().min(1).max(100).default(50),
  cursor: cursorOf(z.object({ before: z.int().positive() })).optional(),
})

const AuditList = z
  .object({ items: z.array(AuditEvent), next_cursor: z.string().nullable() })
  .meta({ id: 'AuditList' })

export const listAudit = endpoint(
  contract({
    summary: 'Read the audit trail',
    description: 'Newest first: who did what to whom, from where, and how it ended.',
    limited: true,
    answers: { 200: { description: 'A page of the trail', schema: AuditList } },
    errors: { AuthorizationError: 'This needs a superadmin' },
  }),
  authenticate('admin'),
  query(AuditQuery),
  async (c) => {
    const { page_size: size, cursor, ...filter } = c.req.valid('query')
    const page = { filter, size, before: cursor?.before }
    const found = await beside(c, () => listAuditEvents(c.var.db, c.var.claims, page))
    if (!found) throw notAuthenticated()
    if (!found.is_superadmin) throw new ApiError('AuthorizationError', 'This needs a superadmin')
    const items = found.events.slice(0, size)
    const last = found.events.length > size ? items.at(-1) : undefined
    return c.json({ items, next_cursor: last ? encodeCursor({ before: last.id }) : null }, 200)
  },
)
