import { ConfigurationError } from '../env.ts'
import { writeLog } from '../log.ts'
import type { MailMessage } from './queue.ts'
import type { Delivery } from './resend.ts'
import { type MailResources, sendMail } from './send.ts'

/** Seconds before the second attempt; each further one waits twice as long. */
const FIRST_RETRY = 10

/** Seconds that a message may wait at most. */
const LONGEST_RETRY = 60 * 60

/** Attempts at a message: the first, and `max_retries` in wrangler.toml. */
export const MAX_ATTEMPTS = 11

/** Sends a batch of the mail queue. What fails is retried, and ends in the dead-letter queue. */
export async function consumeMail(
  batch: MessageBatch<MailMessage>,
  resources: MailResources | ConfigurationError,
): Promise<void> {
  await Promise.all(
    batch.messages.map(async (message) => {
      const { type } = message.body
      const delivery =
        resources instanceof ConfigurationError
          ? failed('configuration_invalid')
          : await sendMail(resources, message.body).catch(() => failed('database_unavailable'))
      if (!delivery) return message.ack()
      if (delivery.sent) {
        writeLog('info', 'mail_sent', { type })
        return message.ack()
      }
      const { reason, retryAfterSeconds } = delivery
      const delaySeconds = backoff(message.attempts, retryAfterSeconds)
      const { attempts } = message
      if (attempts < MAX_ATTEMPTS) {
        writeLog('warn', 'mail_failed', { type, reason, attempts, delaySeconds })
      } else writeLog('error', 'mail_dead', { type, reason, attempts })
      message.retry({ delaySeconds })
    }),
  )
}

const failed = (reason: string): Delivery => ({ sent: false, reason, retryAfterSeconds: undefined })

const backoff = (attempts: number, retryAfter = 0) =>
  Math.min(LONGEST_RETRY, Math.max(retryAfter, FIRST_RETRY * 2 ** (attempts - 1)))
