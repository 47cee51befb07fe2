import * as z from 'zod/mini'
import { testEmail } from '../../../emails/test.ts'
import { countTestEmail } from '../../db/admins.ts'
import { EMAIL_CAPS } from '../../db/caps.ts'
import { defineError, mailNotConfigured } from '../../errors.ts'
import { log } from '../../log.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { tooMany, withRateLimit } from '../../rate-limit/limit.ts'
import { Email, Message } from '../input.ts'

const mailNotAccepted = defineError(
  'EmailServiceError',
  'The mail service did not accept the email',
)

const Recipient = z.object({ to_email: Email }).check(z.meta({ id: 'SendTestEmailRequest' }))

const SENT = { message: 'Test email sent' }

/** The one mail that a request waits for: the admin wants to know whether it works. */
export const sendTestEmail = endpoint(
  contract({
    operationId: 'sendTestEmail',
    summary: 'Send a test email',
    description: 'Sends it at once and reports what the mail service said.',
    responses: {
      200: { description: 'Resend accepted the email', schema: Message, example: SENT },
    },
    errors: [mailNotAccepted, mailNotConfigured],
  }),
  authenticate('admin'),
  json(Recipient),
  async (c) => {
    const { to_email: to } = c.req.valid('json')
    const { config, db, mailer, claims } = c.var
    const attempt = await withRateLimit(c, () => countTestEmail(db, claims), 'test-email')
    if (!mailer) throw mailNotConfigured()
    if (attempt.count > EMAIL_CAPS.testEmails.max) throw tooMany(attempt.resets_in)
    const mail = testEmail({ brand: config.brand, at: new Date() })
    const delivery = await mailer.send({ id: crypto.randomUUID(), to, ...mail })
    if (!delivery.sent) {
      log(c, 'error', 'mail_failed', { reason: delivery.reason })
      throw mailNotAccepted({ details: { reason: delivery.reason } })
    }
    return c.json(SENT, 200)
  },
)
