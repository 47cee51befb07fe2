import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'
import { unavailable } from '../../errors.ts'
import { log } from '../../log.ts'
import { limit } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { json } from '../../middleware/validate.ts'
import { Email, Message } from '../input.ts'

/**
 * Queues the question. Whether there is such an account is looked up by the queue's consumer: known
 * and unknown are alike here because nothing here knows.
 */
export const forgotPassword = endpoint(
  contract({
    summary: 'Ask for a reset link',
    description: 'Answers alike whether or not there is such an account.',
    limited: true,
    answers: { 200: { description: 'A mail follows if the email exists', schema: Message } },
  }),
  json(z.object({ email: Email })),
  async (c) => {
    const { email } = c.req.valid('json')
    if (!c.var.config.mail) throw unavailable('Mail is not configured')
    await limit(c, 'forgot-password')
    const requestedAt = new Date().toISOString()
    const request = { id: crypto.randomUUID(), email, requestedAt, trace: traceOf(c) }
    try {
      await c.env.MAIL_QUEUE.send({ type: 'reset-requested', ...request })
    } catch {
      log(c, 'error', 'mail_queue_unavailable')
      throw unavailable('Mail is not available right now, please try again')
    }
    return c.json({ message: 'If the email exists, a reset link will be sent' }, 200)
  },
)
