import { Hono } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { TrieRouter } from 'hono/router/trie-router'
import type { UnconfiguredEnv } from './context.ts'
import { onError, onMethodNotAllowed, onNotFound } from './errors.ts'
import { accessLog } from './middleware/access-log.ts'
import { countResponses } from './middleware/count-responses.ts'
import { crossOrigin } from './middleware/cross-origin.ts'
import { requestId } from './middleware/request-id.ts'
import { resources } from './middleware/resources.ts'
import { responseHeaders } from './middleware/response-headers.ts'
import { limitBody } from './middleware/validate.ts'
import { admins } from './routes/admins/index.ts'
import { password } from './routes/password/index.ts'
import { system } from './routes/system/index.ts'
import { users } from './routes/users/index.ts'
import { routedPath } from './versions.ts'

// Hono's default router builds its expressions for all routes at the first request of an isolate.
const base = new Hono<UnconfiguredEnv>({ router: new TrieRouter(), getPath: routedPath })

base.onError(onError)
base.notFound(onNotFound)

base.use(requestId)
base.use(accessLog)
base.use(countResponses)
base.use(responseHeaders)
base.use(resources)
base.use(crossOrigin)
base.use(limitBody)
base.use(methodNotAllowed({ app: base, onMethodNotAllowed }))

/** The one app. The order above is the order in which a request meets them. */
export const app = base
  .route('/', system)
  .route('/api/users', users)
  .route('/api/admins', admins)
  .route('/api/password', password)
