import * as z from 'zod/mini'
import type { AccountType } from './accounts.ts'
import { columnsOf, many, maybeOne, nothing, read, write } from './statement.ts'

/** A pending email, as the statement of an act writes it and the mail queue's consumer reads it. */
export const PendingEmail = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('welcome'), name: z.string(), username: z.string() }),
  z.object({
    kind: z.literal('password-changed'),
    name: z.string(),
    place: z.nullable(z.string()),
  }),
  z.object({
    kind: z.literal('email-changed'),
    name: z.string(),
    old_email: z.string(),
    new_email: z.string(),
  }),
])

export type PendingEmail = z.output<typeof PendingEmail>

/** Whom an email is about, by SQL that gives the id: erasing a user erases it too, whatever its address. */
type Owner = { kind: AccountType; id: string }

type Fields<Kind extends PendingEmail['kind']> = Omit<Extract<PendingEmail, { kind: Kind }>, 'kind'>

/**
 * An `insert` that adds an email to the outbox for each row of `from`, to stand as a CTE with the act:
 * the email is neither lost when the Worker dies after the commit, nor sent for an act that failed.
 * All values are SQL.
 */
export function addEmail<Kind extends PendingEmail['kind']>(
  kind: Kind,
  {
    id,
    owner,
    to,
    ...fields
  }: { id: string; owner: Owner; to: string } & Record<keyof Fields<Kind>, string>,
  from: string,
): string {
  const pairs = Object.entries(fields).map(([name, value]) => `, '${name}', ${value}`)
  const userId = owner.kind === 'user' ? owner.id : 'null'
  return `
    insert into outbox (id, user_id, recipient, mail)
    select ${id}, ${userId}, ${to}, jsonb_build_object('kind', '${kind}'${pairs.join('')}) from ${from}`
}

const OutboxRow = z.object({
  id: z.uuid(),
  recipient: z.string(),
  mail: PendingEmail,
  created_at: z.coerce.date(),
})

/** The email, unless it was sent already. */
export const findPendingEmail = read({
  parameters: { id: 'uuid' },
  returns: maybeOne(OutboxRow),
  sql: ($) => `select ${columnsOf(OutboxRow)} from outbox where id = ${$.id}`,
})

export const deleteSentEmail = write({
  parameters: { id: 'uuid' },
  returns: nothing,
  sql: ($) => `delete from outbox where id = ${$.id}`,
})

/** Seconds an email may wait before the cron takes its message for lost. */
const OVERDUE_SECONDS = 2 * 60

/** Seconds between two such messages: the queue's own retries come first. */
const REQUEUE_PAUSE_SECONDS = 60 * 60

/** Seconds after which an email is left where it is: Resend forgets its idempotency key after a day. */
export const ABANDONED_SECONDS = 23 * 60 * 60

/** Emails whose queue message seems lost, the oldest first. */
export const findOverdueEmails = read({
  parameters: { limit: 'integer' },
  returns: many(z.pick(OutboxRow, { id: true })),
  sql: ($) => `
    select id from outbox
    where created_at between now() - make_interval(secs => ${ABANDONED_SECONDS})
        and now() - make_interval(secs => ${OVERDUE_SECONDS})
      and (requeued_at is null
        or requeued_at < now() - make_interval(secs => ${REQUEUE_PAUSE_SECONDS}))
    order by created_at limit ${$.limit}`,
})

/** Notes that they were queued once more: they are not overdue before {@link REQUEUE_PAUSE_SECONDS}. */
export const markRequeued = write({
  parameters: { ids: 'uuid[]' },
  returns: nothing,
  sql: ($) => `
    update outbox set requeued_at = now() where id in (
      select id from outbox where id = any(${$.ids}) for update skip locked
    )`,
})
