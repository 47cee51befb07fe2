import { join } from 'node:path'
import { applyMigrations, countMissing } from '../../scripts/migrate.ts'
import { startMailbox } from '../mailbox/index.ts'
import { startNeonGateway } from '../neon/index.ts'
import { startPostgres } from '../postgres/index.ts'
import { keptSecret } from '../secret.ts'
import { startUpstashGateway } from '../upstash/index.ts'
import type { Ports } from './settings.ts'
import type { Stops } from './stops.ts'
import type { Addresses } from './welcome.ts'

const DATABASE = 'accounts'

export interface Place {
  /** The repository. */
  folder: string
  ports: Ports
  stops: Stops
  say: (line: string) => void
}

/** A part that runs, or one that .dev.vars replaces. */
export interface RunningPart {
  /** For the Worker. */
  variables: Record<string, string>
  addresses: Partial<Addresses>
  stop: () => Promise<void>
  /** Why calls fail although the service is healthy, in a sentence. Undefined: they don't. */
  problem?: () => Promise<string | undefined>
}

export interface Part {
  /** The variables of .dev.vars by which it starts. With the first of them set, it is not needed. */
  reads: readonly [string, ...string[]]
  /** Variables like those it sets once it runs, to check the others before. */
  standIns: Record<string, string>
  start(place: Place, custom: Map<string, string>): Promise<RunningPart>
}

const replaced: RunningPart = { variables: {}, addresses: {}, stop: async () => {} }

/** The HTTP endpoint that a Neon database has. */
async function startGateway({ ports, stops }: Place, url: string) {
  if (new URL(url).hostname.endsWith('.neon.tech')) return replaced
  const gateway = await startNeonGateway({ port: ports.neon, connectTo: url })
  return { variables: { NEON_HTTP_URL: gateway.url }, stop: stops.add(gateway.close) }
}

async function problemOf(url: string): Promise<string | undefined> {
  try {
    const missing = await countMissing(url)
    if (missing === 0) return undefined
    return `The database of DATABASE_URL lacks ${missing} migrations. Run: DATABASE_URL=… npm run migrate`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const database: Part = {
  reads: ['DATABASE_URL'],
  standIns: { DATABASE_URL: `postgresql://app@127.0.0.1/${DATABASE}` },
  async start(place, custom) {
    const url = custom.get('DATABASE_URL')
    if (url !== undefined) {
      place.say('Using DATABASE_URL from .dev.vars.')
      const problem = () => problemOf(url)
      return { ...(await startGateway(place, url)), addresses: {}, problem }
    }
    const postgres = await startPostgres({
      dataDir: join(place.folder, '.local/postgres'),
      port: place.ports.postgres,
      database: DATABASE,
      log: place.say,
    })
    const stopPostgres = place.stops.add(postgres.stop, {
      name: 'PostgreSQL',
      ended: postgres.ended,
    })
    const { applied, total } = await applyMigrations(postgres.url)
    place.say(`PostgreSQL is up. Applied ${applied} of ${total} migrations.`)
    const gateway = await startGateway(place, postgres.url)
    return {
      variables: { DATABASE_URL: postgres.url, ...gateway.variables },
      addresses: { postgres: postgres.url },
      async stop() {
        await gateway.stop()
        await stopPostgres()
      },
    }
  },
}

const redis: Part = {
  reads: ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'],
  standIns: { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1', UPSTASH_REDIS_REST_TOKEN: 'local' },
  async start({ folder, ports, stops, say }, custom) {
    if (custom.has('UPSTASH_REDIS_REST_URL')) return replaced
    const token =
      custom.get('UPSTASH_REDIS_REST_TOKEN') ?? keptSecret(join(folder, '.local/upstash.token'))
    const gateway = await startUpstashGateway({ port: ports.upstash, token, log: say })
    say(`Redis is up: ${gateway.engine}.`)
    return {
      variables: { UPSTASH_REDIS_REST_URL: gateway.url, UPSTASH_REDIS_REST_TOKEN: gateway.token },
      addresses: { redis: `${gateway.engine}, behind ${gateway.url}` },
      stop: stops.add(gateway.close),
    }
  },
}

const mail: Part = {
  reads: ['RESEND_API_KEY'],
  standIns: { RESEND_API_KEY: 'local', RESEND_BASE_URL: 'http://127.0.0.1' },
  async start({ folder, ports, stops, say }, custom) {
    if (custom.has('RESEND_API_KEY')) return replaced
    const apiKey = `re_${keptSecret(join(folder, '.local/resend.key'))}`
    const mailbox = await startMailbox({
      ...{ port: ports.mailbox, apiKey, folder: join(folder, '.local/mails') },
    })
    say('The mailbox is up.')
    return {
      variables: { RESEND_API_KEY: mailbox.apiKey, RESEND_BASE_URL: mailbox.url },
      addresses: { mailbox: mailbox.url },
      stop: stops.add(mailbox.close),
    }
  },
}

/** In the order in which they start. */
export const PARTS: readonly Part[] = [database, redis, mail]
