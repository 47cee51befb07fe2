import type { RequestContext } from '../context.ts'
import { log } from '../log.ts'

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
