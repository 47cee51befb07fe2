import { app } from '../src/app.ts'
import type { MailMessage } from '../src/mail/queue.ts'
import type { Bindings } from '../src/env.ts'
import { takeMails } from '../src/mail/consumer.ts'
import { tend } from '../src/maintenance.ts'

export default {
  fetch: app.fetch,
  queue: takeMails,
  scheduled: (_, bindings) => tend(bindings),
} satisfies ExportedHandler<Bindings, MailMessage>
