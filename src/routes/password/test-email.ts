import * as z from 'zod'
import { testEmail as renderTestEmail } from '../../../emails/test.ts'
import { contract, endpoint } from '../../openapi.ts'
import { findAdmin } from '../../db/admins.ts'
import { ApiError, unavailable } from '../../errors.ts'
import { log } from '../../log.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { beside } from '../../rate-limit/limit.ts'
import { json } from '../../middleware/validate.ts'
import { Email, Message } from '../input.ts'

/** The one mail that a request waits for: the admin wants to know whether it works. */
export const testEmail = endpoint(
  contract({
    summary: 'Send a test mail',
    limited: true,
    answers: { 200: { description: 'Resend has taken the mail', schema: Message } },
    errors: {
      EmailServiceError: 'The mail service did not take the mail',
      ServiceUnavailableError: 'Mail is not configured',
    },
  }),
  authenticate('admin'),
  json(z.object({ to_email: Email })),
  async (c) => {
    const { to_email: to } = c.req.valid('json')
    const { config, db, mailer, claims } = c.var
    if (!(await beside(c, () => findAdmin(db, claims), 'test-email'))) throw notAuthenticated()
    if (!mailer) throw unavailable('Mail is not configured')
    const mail = renderTestEmail({ project: config.projectName, at: new Date() })
    const delivery = await mailer.send({ id: crypto.randomUUID(), to, ...mail })
    if (!delivery.sent) {
      log(c, 'error', 'mail_failed', { reason: delivery.reason })
      throw new ApiError('EmailServiceError', 'The mail service did not take the mail', {
        details: { reason: delivery.reason },
      })
    }
    return c.json({ message: 'Test email sent' }, 200)
  },
)
