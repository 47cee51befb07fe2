import type { RequestSource } from '../db/audit-events.ts'

/** What the mail queue carries. `consumer.ts` takes it from there. */
export type MailMessage =
  /** An email in the outbox, under this id. */
  | { type: 'owed'; id: string }
  /**
   * Somebody asked to reset the password of this address. Whether there is such an account is looked
   * up by the consumer, so that the response can't tell. `id` becomes the id of the reset; `requestedAt`
   * (ISO 8601) tells the newest of several, as a queue keeps no order.
   */
  | {
      type: 'reset-requested'
      id: string
      email: string
      requestedAt: string
      trace: RequestSource
    }
