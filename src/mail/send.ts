import { emailChangedEmail } from '../../emails/email-changed.ts'
import type { Email } from '../../emails/layout.ts'
import { passwordChangedEmail } from '../../emails/password-changed.ts'
import { passwordResetEmail } from '../../emails/password-reset.ts'
import { welcomeEmail } from '../../emails/welcome.ts'
import type { Database } from '../db/client.ts'
import { deleteSentEmail, findPendingEmail, type PendingEmail } from '../db/outbox.ts'
import { issueReset } from '../db/password-resets.ts'
import type { Config } from '../env.ts'
import { writeLog } from '../log.ts'
import type { Keys } from '../tokens/keys.ts'
import { resetLink } from './links.ts'
import type { MailMessage } from './queue.ts'
import type { Delivery, Mailer } from './resend.ts'

/** What sending needs of an isolate's resources. */
export type MailResources = {
  config: Config
  db: Database
  keys: Keys
  mailer: Mailer | undefined
}

/**
 * Sends what a message of the mail queue asks for. Done twice, it is delivered once: the id of the
 * message is the idempotency key, and the same message renders to the same mail.
 *
 * @returns undefined if there is nothing to send: it was sent before, or a cap left it out
 * @throws when the email could not be looked up; the message is then retried
 */
export function sendMail(
  resources: MailResources,
  message: MailMessage,
): Promise<Delivery | undefined> {
  return message.type === 'owed'
    ? sendPendingEmail(resources, message.id)
    : sendResetMail(resources, message)
}

const NOT_CONFIGURED: Delivery = {
  sent: false,
  reason: 'not_configured',
  retryAfterSeconds: undefined,
}

async function sendPendingEmail(
  { config, db, mailer }: MailResources,
  id: string,
): Promise<Delivery | undefined> {
  if (!mailer) return NOT_CONFIGURED
  const pending = await findPendingEmail(db, { id })
  if (!pending) return undefined
  const email = render(pending.mail, pending.created_at, config)
  const delivery = await mailer.send({ id, to: pending.recipient, ...email })
  if (delivery.sent) await deleteSentEmail(db, { id })
  return delivery
}

type ResetRequest = Extract<MailMessage, { type: 'reset-requested' }>

async function sendResetMail(
  { config, db, keys, mailer }: MailResources,
  { id, accountType = 'user', email, requestedAt, trace }: ResetRequest,
): Promise<Delivery | undefined> {
  if (!mailer) return NOT_CONFIGURED
  const { resetTokenSeconds, brand } = config
  const request = { resetId: id, email, requestedAt, resetTokenSeconds, ...trace }
  const reset = await issueReset[accountType](db, request)
  if (!reset) {
    writeLog('info', 'password_reset_not_sent', { request_id: trace.requestId })
    return undefined
  }
  const { email: to, name, reset_id: resetId, minutes } = reset
  const link = resetLink(config, keys, { accountType, resetId })
  return mailer.send({ id, to, ...passwordResetEmail({ brand, name, link, minutes }) })
}

function render(mail: PendingEmail, at: Date, { brand, signInUrl }: Config): Email {
  switch (mail.kind) {
    case 'welcome':
      return welcomeEmail({ brand, name: mail.name, username: mail.username, link: signInUrl })
    case 'password-changed':
      return passwordChangedEmail({ brand, name: mail.name, place: mail.place, at })
    case 'email-changed':
      return emailChangedEmail({
        ...{ brand, name: mail.name, at },
        ...{ oldEmail: mail.old_email, newEmail: mail.new_email },
      })
  }
}
