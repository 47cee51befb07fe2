import type { Resend } from 'resend'

/** Milliseconds for a response of Resend. The SDK has no timeout of its own. */
const TIMEOUT_MS = 10_000

/** The outcome of sending an email. `reason` is Resend's error name: a word, without addresses. */
export type Delivery =
  | { sent: true }
  | { sent: false; reason: string; retryAfterSeconds: number | undefined }

/** One email to one address. Sent again with the same `id`, Resend delivers it once (for 24 hours). */
type OutgoingMail = { id: string; to: string; subject: string; html: string; text: string }

export type Mailer = { send(mail: OutgoingMail): Promise<Delivery> }

type Options = { apiKey: string; from: string; baseUrl: string | undefined }

/** Sends by Resend. `send` never throws. The SDK is evaluated at the first email: few isolates send one. */
export function createMailer({ apiKey, from, baseUrl }: Options): Mailer {
  let resend: Resend | undefined
  return {
    async send({ id, ...mail }) {
      resend ??= new (await import('resend')).Resend(apiKey, baseUrl ? { baseUrl } : {})
      const { data, error, headers } = await resend.emails.send(
        { from, ...mail },
        { idempotencyKey: id, signal: AbortSignal.timeout(TIMEOUT_MS) },
      )
      if (data?.id) return { sent: true }
      return {
        sent: false,
        reason: error?.name ?? 'unexpected_response',
        retryAfterSeconds: Number(headers?.['retry-after']) || undefined,
      }
    },
  }
}
