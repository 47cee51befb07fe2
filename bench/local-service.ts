/** Runs the service as it is deployed, but on this machine only, for measurements. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { createTestHarness } from 'wrangler'
import { startMailbox } from '../local/mailbox/index.ts'
import { startNeonGateway } from '../local/neon/index.ts'
import { startTemporaryPostgres } from '../local/postgres/index.ts'
import { startUpstashGateway } from '../local/upstash/index.ts'
import { generateSecretKey, generateSigningKeys } from '../scripts/keys/generate.ts'
import { applyMigrations } from '../scripts/migrate.ts'
import { buildWorker } from './build.ts'

const ROOT = join(import.meta.dirname, '..')

export type LocalService = {
  /** Without a trailing slash. */
  url: string
  database: pg.Client
  /** Accepted by `GET /metrics`. */
  metricsToken: string
  /** For good. `database` is closed. */
  stopDatabase(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL, the gateways and the mailbox, and the bundle that `wrangler deploy` would upload,
 * in workerd. All data is deleted when it stops.
 *
 * @param replaced variables with other values
 */
export async function startLocalService(
  replaced: Record<string, string> = {},
): Promise<LocalService> {
  // Otherwise wrangler asks Cloudflare for our location.
  process.env['CLOUDFLARE_CF_FETCH_ENABLED'] = 'false'
  process.env['WRANGLER_LOG'] = 'warn'
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'))
  const [postgres, upstash, mailbox] = await Promise.all([
    startTemporaryPostgres({ database: 'accounts' }),
    startUpstashGateway(),
    startMailbox(),
  ])
  const neon = await startNeonGateway({ connectTo: postgres.url })
  await Promise.all([buildWorker(folder), applyMigrations(postgres.url)])
  const database = new pg.Client({ connectionString: postgres.url })
  await database.connect()
  const metricsToken = generateSecretKey()
  const server = createTestHarness({
    workers: [
      {
        configPath: join(ROOT, 'wrangler.toml'),
        prebuiltWorkerDir: folder,
        secrets: {
          ENVIRONMENT: 'test',
          LOG_LEVEL: 'error',
          DATABASE_URL: postgres.url,
          NEON_HTTP_URL: neon.url,
          UPSTASH_REDIS_REST_URL: upstash.url,
          UPSTASH_REDIS_REST_TOKEN: upstash.token,
          RESEND_API_KEY: mailbox.apiKey,
          RESEND_BASE_URL: mailbox.url,
          EMAIL_FROM: 'accounts@example.com',
          SECRET_KEY: generateSecretKey(),
          JWT_SIGNING_KEYS: await generateSigningKeys(),
          METRICS_TOKEN: metricsToken,
          PUBLIC_URL: 'https://accounts.example.com',
          ...replaced,
        },
      },
    ],
  })
  const { url } = await server.listen()
  let isDatabaseUp = true
  async function stopDatabase() {
    if (!isDatabaseUp) return
    isDatabaseUp = false
    await database.end()
    await postgres.stop()
  }
  return {
    ...{ url: url.origin, database, metricsToken, stopDatabase },
    async stop() {
      await server.close()
      await Promise.all([mailbox.close(), upstash.close(), neon.close()])
      await stopDatabase()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
