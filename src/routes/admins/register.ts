import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../context.ts'
import { contract, documented, endpoint } from '../../openapi.ts'
import { AdminRead } from '../../db/accounts.ts'
import { insertAdminBy, insertFirstAdmin } from '../../db/admins.ts'
import { violatedIndex } from '../../db/client.ts'
import { ApiError } from '../../errors.ts'
import { log } from '../../log.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { limit } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { json } from '../../middleware/validate.ts'
import { hashPassword } from '../../passwords/hash.ts'
import { duplicateOf } from '../duplicate.ts'
import { Email, FullName, NewPassword, Username } from '../input.ts'
import { refuseWeakPassword } from '../../passwords/reject-weak.ts'

const NewAdmin = z.object({
  username: Username,
  email: Email,
  password: NewPassword,
  full_name: FullName.optional(),
  is_superadmin: z.boolean().default(false),
})

const authenticateAdmin = authenticate('admin')

const authenticateIfBearer: typeof authenticateAdmin = (c, next) =>
  c.req.header('Authorization') ? authenticateAdmin(c, next) : next()

/** With a bearer token the caller is an admin; without one, whoever installs the product. */
const authenticateUnlessFirst = documented(
  { security: [{ bearerAuth: [] }, { bootstrapToken: [] }] },
  authenticateIfBearer,
)

export const registerAdmin = endpoint(
  contract({
    summary: 'Register an admin',
    description:
      'By a superadmin. The first admin of an empty installation needs the bootstrap token instead, and becomes superadmin.',
    limited: true,
    answers: { 201: { description: 'The new admin', schema: AdminRead } },
    errors: {
      DuplicateRecordError: 'Admin with this email already exists',
      AuthenticationError: 'Could not validate credentials',
      AuthorizationError: 'This needs a superadmin',
    },
  }),
  authenticateUnlessFirst,
  json(NewAdmin),
  async (c) => {
    const { username, email, password, ...input } = c.req.valid('json')
    const first = !c.req.header('Authorization')
    // First the limit: it is what stands between a guesser and the installation.
    await limit(c, 'admin-register')
    if (first && !mayBootstrap(c)) throw notAuthenticated()
    const fullName = input.full_name ?? null
    await refuseWeakPassword(c, 'password', { password, owner: { username, email, fullName } })

    const { config, db } = c.var
    const passwordHash = await hashPassword(password, config.bcryptCost)
    const newAdmin = {
      ...{ username, email, fullName, passwordHash },
      isSuperadmin: input.is_superadmin,
      trace: traceOf(c),
    }
    const admin = first
      ? await insertFirstAdmin(db, newAdmin).catch(notTheFirst)
      : await insertAdminBy(db, c.var.claims, newAdmin).catch(duplicateOf('Admin')).then(createdBy)
    if (!admin) throw notAuthenticated()
    log(c, 'info', 'register', { outcome: 'success', kind: 'admin', id: admin.id })
    return c.json(admin, 201)
  },
)

/** The token of the configuration; in development, with none configured, anybody. */
function mayBootstrap(c: Context<AppEnv>): boolean {
  const { bootstrapToken, environment } = c.var.config
  if (!bootstrapToken) return environment === 'development'
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(c.req.header('X-Bootstrap-Token') ?? ''), digest(bootstrapToken))
}

/** Whoever comes second at the first admin's place is nobody yet. */
function notTheFirst(error: unknown): undefined {
  if (violatedIndex(error)?.startsWith('admins_')) return undefined
  throw error
}

function createdBy(result: Awaited<ReturnType<typeof insertAdminBy>>) {
  if (!result) return undefined
  if (!result.actor_is_superadmin || !result.created) {
    throw new ApiError('AuthorizationError', 'This needs a superadmin')
  }
  return result.created
}
