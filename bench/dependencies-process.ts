/** Started by dependencies.ts, and ends with it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startMailbox } from '../local/mailbox/index.ts'
import { startNeonGateway } from '../local/neon/index.ts'
import { startTemporaryPostgres } from '../local/postgres/index.ts'
import { startUpstashGateway } from '../local/upstash/index.ts'
import type { Addresses } from './dependencies.ts'

const [postgres, upstash, mailbox] = await Promise.all([
  startTemporaryPostgres({ database: 'accounts' }),
  startUpstashGateway(),
  startMailbox(),
])
const neon = await startNeonGateway({ connectTo: postgres.url })

const addresses: Addresses = {
  postgres: {
    url: postgres.url,
    pid: Number.parseInt(readFileSync(join(postgres.dataDir, 'data/postmaster.pid'), 'utf8'), 10),
  },
  neon: neon.url,
  upstash: { url: upstash.url, token: upstash.token, engine: upstash.engine },
  mailbox: { url: mailbox.url, apiKey: mailbox.apiKey },
}
process.send?.(addresses)

process.once('message', async () => {
  await Promise.all([mailbox.close(), upstash.close(), neon.close()])
  await postgres.stop()
  process.disconnect()
})
process.once('disconnect', () => process.exit())
