import { app } from '../src/app.ts'
import type { Bindings } from '../src/context.ts'
import { ConfigurationError } from '../src/env.ts'
import { consumeMail } from '../src/mail/consumer.ts'
import type { MailMessage } from '../src/mail/queue.ts'
import { runMaintenance } from '../src/maintenance.ts'
import { resourcesFor } from '../src/resources.ts'

export default {
  fetch: app.fetch,
  async queue(batch, bindings, context) {
    await consumeMail(batch, resourcesFor(bindings))
    flushMetrics(bindings, context)
  },
  async scheduled(_, bindings, context) {
    await runMaintenance(bindings)
    flushMetrics(bindings, context)
  },
} satisfies ExportedHandler<Bindings, MailMessage>

/** Requests do it by a middleware. */
function flushMetrics(bindings: Bindings, context: ExecutionContext) {
  const resources = resourcesFor(bindings)
  if (!(resources instanceof ConfigurationError)) resources.metrics?.flushAfter(context)
}
