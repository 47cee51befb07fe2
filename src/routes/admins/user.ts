import type { Context } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../context.ts'
import { contract, endpoint } from '../../openapi.ts'
import { UserRead } from '../../db/accounts.ts'
import type { Action } from '../../db/audit-events.ts'
import {
  revokeUserSessions as endSessions,
  readUser as findUser,
  deleteUser as removeUser,
  restoreUser as undeleteUser,
  updateUserBy,
} from '../../db/user-administration.ts'
import { ApiError } from '../../errors.ts'
import { log } from '../../log.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { beside, limit } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { json, params } from '../../middleware/validate.ts'
import { AccountId, FullName } from '../input.ts'

const noSuchUser = () => new ApiError('NotFoundError', 'User not found')

const errors = { NotFoundError: 'User not found' }

type Acted = { user: UserRead | null; actor_is_superadmin: boolean } | undefined

/** The user an admin acted on, once the log has it. */
function actedOn(c: Context<AppEnv>, action: Action, acted: Acted): UserRead {
  if (!acted) throw notAuthenticated()
  if (!acted.user) throw noSuchUser()
  const { accountId: by } = c.var.claims
  log(c, 'info', action, { outcome: 'success', kind: 'user', id: acted.user.id, by })
  return acted.user
}

export const readUser = endpoint(
  contract({
    summary: 'Read a user',
    description: 'Deleted ones too.',
    limited: true,
    answers: { 200: { description: 'The user', schema: UserRead } },
    errors,
  }),
  authenticate('admin'),
  params(AccountId),
  async (c) => {
    const { id } = c.req.valid('param')
    const found = await beside(c, () => findUser(c.var.db, c.var.claims, id))
    if (!found) throw notAuthenticated()
    if (!found.user) throw noSuchUser()
    return c.json(found.user, 200)
  },
)

const UserChange = z.object({
  is_active: z.boolean().optional(),
  full_name: FullName.optional(),
  is_superuser: z.boolean().optional().meta({ description: 'For superadmins only' }),
})

export const updateUser = endpoint(
  contract({
    summary: 'Change a user',
    description: 'Disabling and demoting sign the user out everywhere.',
    limited: true,
    answers: { 200: { description: 'The user as it is now', schema: UserRead } },
    errors: { ...errors, AuthorizationError: 'Only a superadmin may set is_superuser' },
  }),
  authenticate('admin'),
  params(AccountId),
  json(UserChange),
  async (c) => {
    const { id } = c.req.valid('param')
    const change = c.req.valid('json')
    await limit(c)
    const acted = await updateUserBy(c.var.db, c.var.claims, id, { change, trace: traceOf(c) })
    if (acted && !acted.actor_is_superadmin && change.is_superuser !== undefined) {
      throw new ApiError('AuthorizationError', 'Only a superadmin may set is_superuser')
    }
    return c.json(actedOn(c, 'user_updated', acted), 200)
  },
)

export const deleteUser = endpoint(
  contract({
    summary: 'Delete a user',
    description: 'Softly: the names stay taken, and the user can be restored.',
    limited: true,
    answers: { 204: { description: 'Deleted, and signed out everywhere' } },
    errors,
  }),
  authenticate('admin'),
  params(AccountId),
  async (c) => {
    const { id } = c.req.valid('param')
    await limit(c)
    actedOn(c, 'user_deleted', await removeUser(c.var.db, c.var.claims, id, traceOf(c)))
    return c.body(null, 204)
  },
)

export const restoreUser = endpoint(
  contract({
    summary: 'Restore a deleted user',
    limited: true,
    answers: { 200: { description: 'The user as it is now', schema: UserRead } },
    errors,
  }),
  authenticate('admin'),
  params(AccountId),
  async (c) => {
    const { id } = c.req.valid('param')
    await limit(c)
    const acted = await undeleteUser(c.var.db, c.var.claims, id, traceOf(c))
    return c.json(actedOn(c, 'user_restored', acted), 200)
  },
)

export const revokeUserSessions = endpoint(
  contract({
    summary: 'Sign a user out everywhere',
    limited: true,
    answers: { 204: { description: 'All sessions have ended' } },
    errors,
  }),
  authenticate('admin'),
  params(AccountId),
  async (c) => {
    const { id } = c.req.valid('param')
    await limit(c)
    actedOn(c, 'user_sessions_revoked', await endSessions(c.var.db, c.var.claims, id, traceOf(c)))
    return c.body(null, 204)
  },
)
