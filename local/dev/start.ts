import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generateSecretKey, generateSigningKeys } from '../../scripts/keys.ts'
import { applyMigrations } from '../../scripts/migrate.ts'
import { startMailbox } from '../mailbox/index.ts'
import { startNeonGateway } from '../neon/index.ts'
import { startPostgres } from '../postgres/index.ts'
import { prettyLine } from '../pretty-log.ts'
import { keptSecret } from '../secret.ts'
import { startUpstashGateway } from '../upstash/index.ts'
import { ensureDevVars } from './dev-vars.ts'
import { keepRunningService } from './running.ts'
import { assertPortsFree, type Ports } from './settings.ts'
import type { Stops } from './stops.ts'
import { type Addresses, welcome } from './welcome.ts'
import { startWorker } from './worker.ts'

const DATABASE = 'accounts'
const run = promisify(execFile)
const say = (line: string) => console.log(line)

function useColor(): boolean {
  const { NO_COLOR } = process.env // https://no-color.org
  return process.stdout.isTTY === true && !NO_COLOR
}

interface Start {
  folder: string
  ports: Ports
  stops: Stops
  /** The variables that .dev.vars sets. They are not overridden. */
  custom: Map<string, string>
  /** Set by the services below, for the Worker. */
  variables: Record<string, string>
  addresses: Addresses
  onExit: (what: string) => void
}

async function startDatabase(start: Start) {
  const { folder, ports, stops, custom, variables, addresses, onExit } = start
  let url = custom.get('DATABASE_URL')
  if (url === undefined) {
    const postgres = await startPostgres({
      dataDir: join(folder, '.local/postgres'),
      port: ports.postgres,
      database: DATABASE,
      log: say,
    })
    stops.add(postgres.stop)
    postgres.ended.then(() => onExit('PostgreSQL'))
    url = postgres.url
    variables['DATABASE_URL'] = url
    addresses.postgres = url
    const { applied, total } = await applyMigrations(url)
    say(`PostgreSQL is up. Applied ${applied} of ${total} migrations.`)
  } else {
    say('Using DATABASE_URL from .dev.vars. Run its migrations yourself: `npm run migrate`.')
  }
  // A Neon database has its own HTTP endpoint.
  if (!new URL(url).hostname.endsWith('.neon.tech')) {
    const gateway = await startNeonGateway({ port: ports.neon, connectTo: url })
    stops.add(gateway.close)
    variables['NEON_HTTP_URL'] = gateway.url
  }
}

async function startRedis({ folder, ports, stops, custom, variables, addresses }: Start) {
  if (custom.has('UPSTASH_REDIS_REST_URL')) return
  const token =
    custom.get('UPSTASH_REDIS_REST_TOKEN') ?? keptSecret(join(folder, '.local/upstash.token'))
  const redis = await startUpstashGateway({ port: ports.upstash, token, log: say })
  stops.add(redis.close)
  Object.assign(variables, {
    UPSTASH_REDIS_REST_URL: redis.url,
    UPSTASH_REDIS_REST_TOKEN: redis.token,
  })
  addresses.redis = `${redis.engine}, behind ${redis.url}`
  say(`Redis is up: ${redis.engine}.`)
}

async function startMail({ folder, ports, stops, custom, variables, addresses }: Start) {
  if (custom.has('RESEND_API_KEY')) return
  const apiKey = `re_${keptSecret(join(folder, '.local/resend.key'))}`
  const mailbox = await startMailbox({
    ...{ port: ports.mailbox, apiKey },
    folder: join(folder, '.local/mails'),
  })
  stops.add(mailbox.close)
  Object.assign(variables, { RESEND_API_KEY: mailbox.apiKey, RESEND_BASE_URL: mailbox.url })
  addresses.mailbox = mailbox.url
  say('The mailbox is up.')
}

/** In a separate process, because it loads src/, which nothing in local/ imports. */
async function buildAssets(folder: string): Promise<void> {
  try {
    await run(process.execPath, [join(folder, 'scripts/build-assets.ts')], { cwd: folder })
  } catch (error) {
    const output =
      error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    throw new Error(`Can't build the assets (\`npm run build:assets\`):\n${output.trim()}`)
  }
}

/**
 * Starts all services, then the Worker.
 *
 * @param onExit called when a service exits on its own
 * @returns what to print
 * @throws Error that explains the problem and how to fix it
 */
export async function startEverything(
  folder: string,
  ports: Ports,
  stops: Stops,
  onExit: (what: string) => void,
): Promise<string> {
  await assertPortsFree(ports)
  const { values: custom, changes } = await ensureDevVars(folder, {
    SECRET_KEY: generateSecretKey,
    JWT_SIGNING_KEYS: generateSigningKeys,
  })
  changes.forEach(say)
  const worker = `http://127.0.0.1:${ports.worker}`
  const variables: Start['variables'] = { PUBLIC_URL: worker }
  const addresses: Addresses = { worker }
  const start: Start = { folder, ports, stops, custom, variables, addresses, onExit }

  const assets = buildAssets(folder)
  assets.catch(() => {}) // Reported below, where it is awaited.
  await startDatabase(start)
  await startRedis(start)
  await startMail(start)
  await assets
  say('Starting the Worker …')
  const all = { ...variables, ...Object.fromEntries(custom) }
  stops.add(keepRunningService(folder, { url: worker, variables: all }))
  const running = await startWorker({
    folder,
    port: ports.worker,
    livePath: '/health/live',
    variables: all,
    onLine(line) {
      const pretty = prettyLine(line, useColor())
      if (pretty !== undefined) say(pretty)
    },
  })
  stops.add(running.stop)
  running.ended.then(() => onExit('The Worker'))
  return welcome(addresses, useColor())
}
