/**
 * PostgreSQL, Redis, the mailbox and their gateways, in a process of their own, so that measuring and
 * generating load don't take processor time from them. All data is deleted when it stops.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import pg from 'pg'
import { generateSecretKey, generateSigningKeys } from '../scripts/keys/generate.ts'
import { applyMigrations } from '../scripts/migrate.ts'
import type { Trip } from './pass-through.ts'
import { cpuSecondsOfGroup } from './process-usage.ts'

/** What the process tells when it is ready. */
export type Addresses = {
  postgres: { url: string; pid: number }
  neon: string
  upstash: { url: string; token: string; engine: string }
  mailbox: { url: string; apiKey: string }
  /** The same gateways behind what counts and delays: see pass-through.ts. */
  distant: { neon: string; upstash: string }
}

export type Command =
  | { type: 'stop' }
  | { type: 'trips' }
  | { type: 'delay'; postgresMs: number; redisMs: number }

export type Dependencies = Addresses & {
  database: pg.Client
  /** Processor time of all of PostgreSQL's processes, in seconds. */
  databaseCpuSeconds(): number
  /** Variables of a Worker that uses them. */
  variables: Record<string, string>
  /** The same for a Worker that is `distant`. */
  distantVariables: Record<string, string>
  /** How far away the `distant` ones are. */
  setDistance(distance: { postgresMs: number; redisMs: number }): Promise<void>
  /** The trips to the `distant` ones since the last call. */
  takeTrips(): Promise<Trip[]>
  stop(): Promise<void>
}

export async function startDependencies(): Promise<Dependencies> {
  const child = fork(join(import.meta.dirname, 'dependencies-process.ts'), {
    execArgv: ['--no-warnings'],
  })
  const exited = once(child, 'exit')
  const failed = exited.then(() => Promise.reject(new Error('The dependencies did not start.')))
  const [addresses] = await Promise.race([once(child, 'message'), failed])
  failed.catch(() => {})
  const { postgres, neon, upstash, mailbox, distant }: Addresses = addresses
  await applyMigrations(postgres.url)
  const database = new pg.Client({ connectionString: postgres.url })
  await database.connect()
  const variables = {
    ENVIRONMENT: 'test',
    DATABASE_URL: postgres.url,
    NEON_HTTP_URL: neon,
    UPSTASH_REDIS_REST_URL: upstash.url,
    UPSTASH_REDIS_REST_TOKEN: upstash.token,
    RESEND_API_KEY: mailbox.apiKey,
    RESEND_BASE_URL: mailbox.url,
    EMAIL_FROM: 'accounts@example.com',
    SECRET_KEY: generateSecretKey(),
    JWT_SIGNING_KEYS: await generateSigningKeys(),
    ACCESS_TOKEN_EXPIRE_MINUTES: '60',
    PUBLIC_URL: 'https://accounts.example.com',
  }
  const ask = async (command: Command): Promise<Trip[]> => {
    child.send(command)
    const [trips] = await once(child, 'message')
    return trips
  }
  return {
    ...{ postgres, neon, upstash, mailbox, distant, database, variables },
    distantVariables: {
      ...variables,
      NEON_HTTP_URL: distant.neon,
      UPSTASH_REDIS_REST_URL: distant.upstash,
    },
    databaseCpuSeconds: () => cpuSecondsOfGroup(postgres.pid),
    async setDistance(distance) {
      await ask({ type: 'delay', ...distance })
    },
    takeTrips: () => ask({ type: 'trips' }),
    async stop() {
      await database.end()
      child.send({ type: 'stop' } satisfies Command)
      await exited
    },
  }
}
