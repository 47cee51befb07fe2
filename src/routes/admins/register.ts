import { createMiddleware } from 'hono/factory'
import * as z from 'zod/mini'
import type { AppEnv, RequestContext } from '../../context.ts'
import { AdminRead } from '../../db/accounts.ts'
import { insertAdmin, insertFirstAdmin } from '../../db/admins.ts'
import { violatedIndex } from '../../db/client.ts'
import { notAuthenticated, superadminOnly } from '../../errors.ts'
import { log } from '../../log.ts'
import { admitHashing } from '../../middleware/admit-hashing.ts'
import {
  type Authenticated,
  authenticationErrors,
  verifyBearer,
} from '../../middleware/authenticate.ts'
import { json } from '../../middleware/validate.ts'
import { contract, documented, endpoint } from '../../openapi.ts'
import { rejectWeakPassword } from '../../passwords/policy.ts'
import { rateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { isSecret } from '../../tokens/compare.ts'
import { duplicateErrors, duplicateOf } from '../duplicate.ts'
import { Email, FullName, NewPassword, Username } from '../input.ts'

const NewAdmin = z
  .object({
    username: Username,
    email: Email,
    password: NewPassword,
    full_name: z.optional(FullName),
    is_superadmin: z._default(z.boolean(), false),
  })
  .check(z.meta({ id: 'RegisterAdminRequest' }))

type MaybeAuthenticated = { Variables: Partial<Authenticated['Variables']> }

/** With a bearer token the caller is an admin; without one, whoever installs the product. */
const authenticateUnlessFirst = documented(
  {
    security: [{ bearerAuth: [] }, { bootstrapToken: [] }],
    errors: authenticationErrors('admin'),
  },
  createMiddleware<AppEnv & MaybeAuthenticated>(async function authenticateUnlessFirst(c, next) {
    if (c.req.header('Authorization')) c.set('claims', await verifyBearer(c, 'admin'))
    await next()
  }),
)

export const registerAdmin = endpoint(
  contract({
    operationId: 'registerAdmin',
    summary: 'Register an admin',
    description:
      'Requires a superadmin. The first admin of an empty installation registers with the bootstrap token instead and becomes a superadmin.',
    responses: { 201: { description: 'The new admin', schema: AdminRead } },
    errors: [...duplicateErrors('Admin'), superadminOnly],
  }),
  authenticateUnlessFirst,
  json(NewAdmin),
  admitHashing(),
  async (c) => {
    const { username, email, password, ...input } = c.req.valid('json')
    const { claims } = c.var
    // First the limit: it is what stands between a guesser and the installation.
    await rateLimit(c, 'admin-register')
    if (!claims && !mayBootstrap(c)) throw notAuthenticated()
    const fullName = input.full_name ?? null
    await rejectWeakPassword(c, 'password', { password, owner: { username, email, fullName } })

    const { db, hashing } = c.var
    const passwordHash = await hashing.hash(password)
    const newAdmin = { username, email, fullName, passwordHash, ...requestSourceOf(c) }
    const isSuperadmin = input.is_superadmin
    const admin = claims
      ? created(
          await insertAdmin(db, { ...claims, ...newAdmin, isSuperadmin }).catch(
            duplicateOf('Admin'),
          ),
        )
      : await insertFirstAdmin(db, newAdmin).catch(notTheFirst)
    if (!admin) throw notAuthenticated()
    const { id, is_superadmin } = admin
    const by = claims ? { by: claims.accountId } : { bootstrap: true }
    log(c, 'info', 'register', { outcome: 'success', kind: 'admin', id, is_superadmin, ...by })
    return c.json(admin, 201)
  },
)

/** Requires the configured token. Without one, anyone may in development. */
function mayBootstrap(c: RequestContext): boolean {
  const { bootstrapToken, environment } = c.var.config
  if (!bootstrapToken) return environment === 'development'
  return isSecret(c.req.header('X-Bootstrap-Token'), bootstrapToken)
}

/** Of parallel bootstraps one succeeds; the others get 401. */
function notTheFirst(error: unknown): undefined {
  if (violatedIndex(error)?.startsWith('admins_')) return undefined
  throw error
}

function created(result: Awaited<ReturnType<typeof insertAdmin>>) {
  if (!result.actor_is_superadmin || !result.created) throw superadminOnly()
  return result.created
}
