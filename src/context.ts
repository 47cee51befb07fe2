import type { Context, Env } from 'hono'
import type * as z from 'zod/mini'
import type { Database } from './db/client.ts'
import type { Variables } from './env.ts'
import type { MailMessage } from './mail/queue.ts'
import type { Resources } from './resources.ts'

/** What the Worker is given: the variables of `env.ts` and the bindings of wrangler.toml. */
export type Bindings = z.input<typeof Variables> & {
  ASSETS: Fetcher
  MAIL_QUEUE: Queue<MailMessage>
  FALLBACK_LIMITER: RateLimit
  FALLBACK_QUOTA: RateLimit
}

/** What every request carries, whether or not any middleware has run. `errorName`: of its error response. */
export type BaseEnv = { Bindings: Bindings; Variables: { requestId: string; errorName?: string } }

/** What a request gets of the resources: the database with the time limit of this request. */
type RequestResources = Omit<Resources, 'db'> & { db: Database }

/** Behind `resources`. What `authenticate` adds is typed there, and exists only behind it. */
export type AppEnv = BaseEnv & { Variables: RequestResources }

/** For what runs with an invalid configuration too, as health checks do. */
export type UnconfiguredEnv = BaseEnv & { Variables: Partial<RequestResources> }

/**
 * What a function outside a handler uses of a request. Not Hono's whole `Context`: for its `set`, a
 * context with more variables is not assignable to one with fewer.
 */
export type RequestContext<E extends Env = AppEnv> = Pick<
  Context<E>,
  'req' | 'env' | 'var' | 'header' | 'executionCtx'
>
