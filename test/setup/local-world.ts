/** What all tests share: PostgreSQL, Redis and a mailbox, and a proxy that injects faults into them. */
import { rm } from 'node:fs/promises'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startMailbox } from '../../local/mailbox/index.ts'
import { startNeonGateway } from '../../local/neon/index.ts'
import { startTemporaryPostgres } from '../../local/postgres/index.ts'
import { startUpstashGateway } from '../../local/upstash/index.ts'
import { buildAssets } from '../../scripts/build-assets.ts'
import { generateSecretKey, generateSigningKeys } from '../../scripts/keys/generate.ts'
import { applyMigrations } from '../../scripts/migrate.ts'
import { startFaultProxy } from './fault-proxy.ts'
import { copyWranglerConfig } from './own-environment.ts'
import type {} from './world.ts'

export default async function startLocalWorld(project: TestProject) {
  const [[postgres, neon], upstash, mailbox, wrangler] = await Promise.all([
    startDatabase(),
    startUpstashGateway(),
    startMailbox(),
    copyWranglerConfig(),
    buildAssets(),
  ])
  await applyMigrations(postgres.url)
  await keepTemplate(postgres.url)
  const faults = await startFaultProxy({
    targets: { neon: neon.url, upstash: upstash.url, resend: mailbox.url },
  })
  console.log(`Testing on PostgreSQL (embedded) and ${upstash.engine}.`)
  project.provide('world', {
    wranglerConfig: wrangler.configPath,
    faultProxyUrl: faults.url,
    neonUrl: neon.url,
    mailboxUrl: mailbox.url,
    bindings: {
      ENVIRONMENT: 'test',
      LOG_LEVEL: 'debug',
      DATABASE_URL: postgres.url,
      NEON_HTTP_URL: neon.url,
      UPSTASH_REDIS_REST_URL: upstash.url,
      UPSTASH_REDIS_REST_TOKEN: upstash.token,
      // A healthy Redis may take longer than 400 ms on a busy machine. Tests of Redis faults set 400.
      REDIS_TIMEOUT_MS: '5000',
      // Fifty logins at once are not shed. Tests of overload set the default.
      HASH_QUEUE_MS: '20000',
      RESEND_API_KEY: mailbox.apiKey,
      RESEND_BASE_URL: mailbox.url,
      EMAIL_FROM: 'ADL Production <accounts@example.com>',
      SECRET_KEY: generateSecretKey(),
      JWT_SIGNING_KEYS: await generateSigningKeys(),
      ADMIN_BOOTSTRAP_TOKEN: generateSecretKey(),
      PUBLIC_URL: 'https://accounts.example.com',
      FRONTEND_URL: 'https://app.example.com',
      CORS_ORIGINS: 'https://app.example.com,http://localhost:5173',
    },
  })
  return async () => {
    await faults.close()
    await Promise.all([mailbox.close(), upstash.close(), neon.close()])
    await postgres.stop()
    await rm(wrangler.folder, { recursive: true })
  }
}

async function startDatabase() {
  const postgres = await startTemporaryPostgres({ database: 'accounts' })
  const connectTo = `postgresql://127.0.0.1:${postgres.port}`
  return [postgres, await startNeonGateway({ connectTo })] as const
}

/** Copies the migrated, empty database, as the template of `emptyDatabase`. */
async function keepTemplate(databaseUrl: string) {
  const maintenance = new URL(databaseUrl)
  maintenance.pathname = '/postgres'
  const client = new pg.Client({ connectionString: maintenance.href })
  await client.connect()
  await client.query('create database accounts_template template accounts')
  await client.end()
}
