import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import { type Database, many, maybeOne } from './client.ts'
import { outbox } from './schema.ts'

/** What an act owes a person by mail. Written by SQL, read by the mail queue's consumer. */
export const OwedMail = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('welcome'), name: z.string(), username: z.string() }),
  z.object({ kind: z.literal('password-changed'), name: z.string(), place: z.string().nullable() }),
  z.object({
    kind: z.literal('email-changed'),
    name: z.string(),
    old_email: z.string(),
    new_email: z.string(),
  }),
])

export type OwedMail = z.output<typeof OwedMail>

/**
 * An `insert` that owes a mail to the person `from` selects as `a`, to stand as a CTE beside the act:
 * the mail is neither lost when the Worker dies after the commit, nor sent for an act that failed.
 */
export const oweMail = (
  { id, kind, to = sql`a.email` }: { id: string; kind: OwedMail['kind']; to?: SQL },
  props: SQL,
  from: SQL,
): SQL => sql`
  insert into ${outbox} (id, recipient, mail)
  select ${id}::uuid, ${to}, jsonb_build_object('kind', ${kind}::text, ${props}) ${from}`

const OutboxRow = z.object({
  id: z.uuid(),
  recipient: z.string(),
  mail: OwedMail,
  created_at: z.coerce.date(),
})

/** The mail, unless it was sent already. */
export const findOwedMail = ({ read }: Database, id: string) =>
  maybeOne(
    read,
    OutboxRow,
    sql`select id, recipient, mail, created_at from ${outbox} where id = ${id}::uuid`,
  )

/** Strikes a sent mail off. */
export const settleMail = ({ write }: Database, id: string) =>
  write.execute(sql`delete from ${outbox} where id = ${id}::uuid`)

/** Seconds a mail may wait before the cron takes its message for lost. */
const OVERDUE = 2 * 60

/** Seconds between two such messages: the queue's own retries come first. */
const REQUEUE_PAUSE = 60 * 60

/** Seconds after which a mail is left where it is: Resend forgets its idempotency key after a day. */
const GIVEN_UP = 23 * 60 * 60

/** Claims the mails whose queue message seems lost, so that they can be queued once more. */
export const claimOverdueMails = ({ write }: Database, limit: number) =>
  many(
    write,
    OutboxRow.pick({ id: true }),
    sql`
    update ${outbox} set requeued_at = now()
    where id in (
      select id from ${outbox}
      where created_at between now() - make_interval(secs => ${GIVEN_UP})
          and now() - make_interval(secs => ${OVERDUE})
        and (requeued_at is null or requeued_at < now() - make_interval(secs => ${REQUEUE_PAUSE}))
      order by created_at limit ${limit} for update skip locked
    )
    returning id`,
  )
