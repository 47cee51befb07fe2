import { app } from '../src/app.ts'
import type { Bindings } from '../src/context.ts'
import { consumeMail } from '../src/mail/consumer.ts'
import type { MailMessage } from '../src/mail/queue.ts'
import { runMaintenance } from '../src/maintenance.ts'
import { resourcesFor } from '../src/resources.ts'

export default {
  fetch: app.fetch,
  queue: (batch, bindings) => consumeMail(batch, resourcesFor(bindings)),
  scheduled: (_, bindings) => runMaintenance(bindings),
} satisfies ExportedHandler<Bindings, MailMessage>
