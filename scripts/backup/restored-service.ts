import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMailbox } from '../../local/mailbox/index.ts'
import { startNeonGateway } from '../../local/neon/index.ts'
import { startUpstashGateway } from '../../local/upstash/index.ts'
import { buildBundle } from '../build.ts'
import { buildAssets } from '../build-assets.ts'
import { generateSecretKey, generateSigningKeys } from '../keys/generate.ts'
import { startMailQueue } from '../standalone/mail-queue.ts'
import { startWorkerd } from '../standalone/workerd.ts'

export type RestoredService = {
  url: string
  /** What reads the emails that it sends. */
  mailbox: { apiKey: string; baseUrl: string }
  stop(): Promise<void>
}

/**
 * Serves a database with the Worker of this checkout, on this machine. Its emails end in a mailbox here,
 * and its cron does not run: nobody outside gets what was pending when the backup was made.
 */
export async function serveRestored(database: string): Promise<RestoredService> {
  const folder = await mkdtemp(join(tmpdir(), 'restored-'))
  const { host } = new URL(database)
  const [neon, redis, mailbox, queue, { file: script }] = await Promise.all([
    startNeonGateway({ connectTo: `postgresql://${host}` }),
    startUpstashGateway(),
    startMailbox(),
    startMailQueue(),
    buildAssets().then(() => buildBundle(folder)),
  ])
  const worker = await startWorkerd({
    script,
    mailQueue: queue.address,
    variables: {
      ENVIRONMENT: 'test',
      DATABASE_URL: database,
      NEON_HTTP_URL: neon.url,
      UPSTASH_REDIS_REST_URL: redis.url,
      UPSTASH_REDIS_REST_TOKEN: redis.token,
      // This machine may be busy with the restore.
      REDIS_TIMEOUT_MS: '5000',
      RESEND_API_KEY: mailbox.apiKey,
      RESEND_BASE_URL: mailbox.url,
      EMAIL_FROM: 'Restore drill <accounts@example.com>',
      SECRET_KEY: generateSecretKey(),
      JWT_SIGNING_KEYS: await generateSigningKeys(),
      PUBLIC_URL: 'https://accounts.example.com',
    },
  })
  queue.deliverTo(worker.deliverUrl)
  return {
    url: worker.url,
    mailbox: { apiKey: mailbox.apiKey, baseUrl: mailbox.url },
    async stop() {
      await queue.close()
      await worker.stop()
      await Promise.all([neon.close(), redis.close(), mailbox.close()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
