import type { RequestContext } from '../context.ts'
import type { RequestSource } from '../db/audit-events.ts'
import { log } from '../log.ts'

/** What the mail queue carries. `consumer.ts` takes it from there. */
export type MailMessage =
  /** An email in the outbox, under this id. */
  | { type: 'owed'; id: string }
  /**
   * A password reset was requested for this address. The consumer looks up whether there is such an
   * account, so that the response does not depend on it. `id` becomes the id of the reset; `requestedAt`
   * (ISO 8601) identifies the newest of several, as a queue keeps no order.
   */
  | {
      type: 'reset-requested'
      id: string
      email: string
      requestedAt: string
      trace: RequestSource
    }

/**
 * Queues the emails that a statement added to the outbox, after the response. If that fails, the cron
 * finds them there.
 */
export function queueEmails(c: RequestContext, ...ids: string[]) {
  const messages = ids.map((id) => ({ body: { type: 'owed', id } as const }))
  c.executionCtx.waitUntil(
    c.env.MAIL_QUEUE.sendBatch(messages).catch(() => log(c, 'error', 'mail_queue_unavailable')),
  )
}
