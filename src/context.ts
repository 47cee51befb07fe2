import type { Bindings } from './env.ts'
import type { Resources } from './resources.ts'
import type { AccessClaims } from './tokens/access.ts'

/** What a request carries, typed in one place. */
export type AppEnv = {
  Bindings: Bindings
  Variables: Resources & {
    requestId: string
    /** Set by `authenticate`; a handler behind it may rely on it. */
    claims: AccessClaims
  }
}
