import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../context.ts'
import { defineUnavailable } from '../errors.ts'
import { log } from '../log.ts'
import { documented } from '../openapi.ts'
import type { HashingPlace } from '../passwords/gate.ts'

/** What a handler behind `admitHashing` may rely on. Nothing else can hash. */
export type Admitted = { Variables: { hashing: HashingPlace } }

const busy = defineUnavailable('The service is busy, please try again')

/**
 * Admits a request that hashes a password, or sheds it with 503: before any network call, and before an
 * attempt is counted.
 */
export const admitHashing = () =>
  documented(
    { errors: [busy] },
    createMiddleware<AppEnv & Admitted>(async function admitHashing(c, next) {
      const place = c.var.hashGate.admit()
      if (!place) {
        log(c, 'warn', 'hashing_overloaded')
        throw busy()
      }
      c.set('hashing', place)
      const handled = next().finally(place.leave)
      // A client that disconnects does not cancel the request in the middle of the line.
      c.executionCtx.waitUntil(handled)
      await handled
    }),
  )
