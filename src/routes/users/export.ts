import * as z from 'zod/mini'
import { exportUser, Kept, MAX_EXPORTED } from '../../db/export.ts'
import { log } from '../../log.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'

const newestOf = <Item extends z.ZodMiniType>(items: z.ZodMiniArray<Item>) =>
  z.object({
    items: items.check(z.maxLength(MAX_EXPORTED)),
    complete: z.boolean().check(
      z.meta({
        description: `Whether these are all. If not, they are the newest ${MAX_EXPORTED}`,
      }),
    ),
  })

const UserExport = z
  .object({
    exported_at: z.coerce.date(),
    account: Kept.shape.account,
    password_reset: Kept.shape.password_reset,
    legacy_password_resets: newestOf(Kept.shape.legacy_password_resets),
    sessions: newestOf(Kept.shape.sessions),
    networks: newestOf(Kept.shape.networks),
    pending_emails: newestOf(Kept.shape.pending_emails),
    attempts: newestOf(Kept.shape.attempts),
    audit_events: newestOf(Kept.shape.audit_events),
  })
  .check(z.meta({ id: 'UserExport' }))

/** The statement reads one row more than are exported, to tell whether there are more. */
const newest = <Item>(rows: Item[]) => ({
  items: rows.slice(0, MAX_EXPORTED),
  complete: rows.length <= MAX_EXPORTED,
})

export const exportMe = endpoint(
  contract({
    operationId: 'exportCurrentUser',
    summary: 'Export your data',
    description:
      'What is kept about you, as a file (GDPR articles 15 and 20), without the hash of your password. Writes an audit event.',
    responses: { 200: { description: 'Your data', schema: UserExport } },
  }),
  authenticate('user'),
  async (c) => {
    const { db, claims } = c.var
    await rateLimit(c, 'export')
    const kept = await exportUser(db, { ...claims, ...requestSourceOf(c) })
    const { account, password_reset } = kept
    log(c, 'info', 'data_exported', { outcome: 'success', kind: 'user', id: account.id })
    c.header('Content-Disposition', `attachment; filename="account-${account.id}.json"`)
    return c.json(
      {
        exported_at: new Date(),
        account,
        password_reset,
        legacy_password_resets: newest(kept.legacy_password_resets),
        sessions: newest(kept.sessions),
        networks: newest(kept.networks),
        pending_emails: newest(kept.pending_emails),
        attempts: newest(kept.attempts),
        audit_events: newest(kept.audit_events),
      },
      200,
    )
  },
)
