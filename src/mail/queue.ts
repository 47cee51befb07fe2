import type { AccountType } from '../db/accounts.ts'
import type { RequestSource } from '../db/audit-events.ts'

/**
 * What the mail queue carries; `consumer.ts` reads it. `owed` and `trace` stay as they are named in
 * messages in flight.
 */
export type MailMessage =
  /** An email in the outbox, under this id. */
  | { type: 'owed'; id: string }
  /**
   * A password reset was requested for this address. The consumer looks up whether there is such an
   * account, so that the response does not depend on it. `id` becomes the id of the reset, unless the
   * open one is sent again; `requestedAt` (ISO 8601) identifies the newest of several, as a queue keeps
   * no order. Without an `accountType`, as in messages in flight, it is a user's.
   */
  | {
      type: 'reset-requested'
      id: string
      accountType?: AccountType
      email: string
      requestedAt: string
      trace: RequestSource
    }
