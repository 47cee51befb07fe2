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
import { assertPortsFree, type Ports } from './settings.ts'
import type { Stops } from './stops.ts'
import { type Addresses, welcome } from './welcome.ts'
import { startWorker } from './worker.ts'

const DATABASE = 'accounts'
/** What the Worker gets from the parts below, without the variables that .dev.vars sets. */
type Variables = Record<string, string>

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
  /** What .dev.vars sets itself. */
  own: Map<string, string>
  variables: Variables
  addresses: Addresses
  onEnd: (what: string) => void
}

async function startDatabase({ folder, ports, stops, own, variables, addresses, onEnd }: Start) {
  const theirs = own.get('DATABASE_URL')
  let url = theirs
  if (url === undefined) {
    const postgres = await startPostgres({
      dataDir: join(folder, '.local/postgres'),
      port: ports.postgres,
      database: DATABASE,
      log: say,
    })
    stops.add(postgres.stop)
    postgres.ended.then(() => onEnd('PostgreSQL'))
    url = postgres.url
    Object.assign(variables, { DATABASE_URL: url })
    addresses.postgres = url
    const { applied, total } = await applyMigrations(url)
    say(`PostgreSQL is up; ${applied} of ${total} migrations were new to it.`)
  } else {
    say('DATABASE_URL is yours: its migrations are up to you (`npm run migrate`).')
  }
  // A database at Neon has an HTTP endpoint of its own.
  if (!new URL(url).hostname.endsWith('.neon.tech')) {
    const gateway = await startNeonGateway({ port: ports.neon, connectTo: url })
    stops.add(gateway.close)
    Object.assign(variables, { NEON_HTTP_URL: gateway.url })
  }
}

async function startRedis({ folder, ports, stops, own, variables, addresses }: Start) {
  if (own.has('UPSTASH_REDIS_REST_URL')) return
  const token =
    own.get('UPSTASH_REDIS_REST_TOKEN') ?? keptSecret(join(folder, '.local/upstash.token'))
  const redis = await startUpstashGateway({ port: ports.upstash, token, log: say })
  stops.add(() => redis.close())
  Object.assign(variables, {
    UPSTASH_REDIS_REST_URL: redis.url,
    UPSTASH_REDIS_REST_TOKEN: redis.token,
  })
  addresses.redis = `${redis.engine}, behind ${redis.url}`
  say(`Redis is up: ${redis.engine}.`)
}

async function startMail({ folder, ports, stops, own, variables, addresses }: Start) {
  if (own.has('RESEND_API_KEY')) return
  const apiKey = `re_${keptSecret(join(folder, '.local/resend.key'))}`
  const mailbox = await startMailbox({ port: ports.mailbox, apiKey })
  stops.add(() => mailbox.close())
  Object.assign(variables, { RESEND_API_KEY: mailbox.apiKey, RESEND_BASE_URL: mailbox.url })
  addresses.mailbox = mailbox.url
  say('The mail box is up.')
}

/** In a process of its own: it loads src, which nothing in local/ imports. */
async function buildAssets(folder: string): Promise<void> {
  try {
    await run(process.execPath, [join(folder, 'scripts/build-assets.ts')], { cwd: folder })
  } catch (error) {
    const output =
      error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    throw new Error(`The assets can't be built (\`npm run build:assets\`):\n${output.trim()}`)
  }
}

/**
 * Starts all parts, then the Worker.
 *
 * @param onEnd called when a part ends by itself
 * @returns what to print
 * @throws Error that says what is wrong and how to fix it
 */
export async function startEverything(
  folder: string,
  ports: Ports,
  stops: Stops,
  onEnd: (what: string) => void,
): Promise<string> {
  await assertPortsFree(ports)
  const { values: own, done } = await ensureDevVars(folder, {
    SECRET_KEY: generateSecretKey,
    JWT_SIGNING_KEYS: generateSigningKeys,
  })
  done.forEach(say)
  const worker = `http://127.0.0.1:${ports.worker}`
  const variables: Variables = { PUBLIC_URL: worker }
  const addresses: Addresses = { worker }
  const start: Start = { folder, ports, stops, own, variables, addresses, onEnd }

  const assets = buildAssets(folder)
  assets.catch(() => {}) // Reported below, where it is awaited.
  await startDatabase(start)
  await startRedis(start)
  await startMail(start)
  await assets
  say('Starting the Worker …')
  const running = await startWorker({
    folder,
    port: ports.worker,
    livePath: '/health/live',
    variables: Object.fromEntries(Object.entries(variables).filter(([name]) => !own.has(name))),
    onLine(line) {
      const pretty = prettyLine(line, useColor())
      if (pretty !== undefined) say(pretty)
    },
  })
  stops.add(running.stop)
  running.ended.then(() => onEnd('The Worker'))
  return welcome(addresses, useColor())
}
