import { app } from '../src/app.ts'
import type { MailMessage } from '../src/clients/mail-queue.ts'
import type { Bindings } from '../src/env.ts'
import { takeMails } from '../src/jobs/take-mails.ts'
import { tend } from '../src/jobs/tend.ts'

export default {
  fetch: app.fetch,
  queue: takeMails,
  scheduled: (_, bindings) => tend(bindings),
} satisfies ExportedHandler<Bindings, MailMessage>
