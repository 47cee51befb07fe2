/** Started by dependencies.ts, and ends with it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startMailbox } from '../local/mailbox/index.ts'
import { startNeonGateway } from '../local/neon/index.ts'
import { startTemporaryPostgres } from '../local/postgres/index.ts'
import { startUpstashGateway } from '../local/upstash/index.ts'
import type { Addresses, Command } from './dependencies.ts'
import { startPassThrough } from './pass-through.ts'

const [toPostgres, toRedis] = await Promise.all([
  startPassThrough('postgres'),
  startPassThrough('redis'),
])
const [postgres, upstash, mailbox] = await Promise.all([
  startTemporaryPostgres({ database: 'accounts' }),
  startUpstashGateway({ allowedHosts: [toRedis.host] }),
  startMailbox({ limits: { emails: 100_000, bytes: 2 ** 30 } }),
])
const neon = await startNeonGateway({
  connectTo: postgres.url,
  allowedHosts: [toPostgres.host],
})
toPostgres.forwardTo(neon.url)
toRedis.forwardTo(upstash.url)

process.send?.({
  postgres: {
    url: postgres.url,
    pid: Number.parseInt(readFileSync(join(postgres.dataDir, 'data/postmaster.pid'), 'utf8'), 10),
  },
  neon: neon.url,
  upstash: { url: upstash.url, token: upstash.token, engine: upstash.engine },
  mailbox: { url: mailbox.url, apiKey: mailbox.apiKey },
  distant: { neon: toPostgres.url, upstash: toRedis.url },
} satisfies Addresses)

process.on('message', async (command: Command) => {
  if (command.type === 'stop') {
    await Promise.all([mailbox.close(), upstash.close(), neon.close()])
    await postgres.stop()
    return process.disconnect()
  }
  const trips = [...toPostgres.takeTrips(), ...toRedis.takeTrips()]
  if (command.type === 'delay') {
    toPostgres.setDelay(command.postgresMs)
    toRedis.setDelay(command.redisMs)
  }
  process.send?.(trips)
})
process.once('disconnect', () => process.exit())
