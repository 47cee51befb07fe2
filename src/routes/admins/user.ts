import * as z from 'zod/mini'
import type { AppEnv, RequestContext } from '../../context.ts'
import { UserRead } from '../../db/accounts.ts'
import { type Action, changesInWords } from '../../db/audit-events.ts'
import { eraseUser } from '../../db/erasure.ts'
import * as usersByAdmin from '../../db/users-by-admin.ts'
import { defineError, superadminOnly } from '../../errors.ts'
import { log } from '../../log.ts'
import { type Authenticated, authenticate } from '../../middleware/authenticate.ts'
import { json, params, query } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rateLimit, withRateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { AccountId, Flag, FullName } from '../input.ts'

const userNotFound = defineError('NotFoundError', 'User not found')

const superuserNeedsSuperadmin = defineError(
  'AuthorizationError',
  'Only a superadmin may set is_superuser',
)

const notDeleted = defineError(
  'ConflictError',
  'Only a deleted user can be erased: delete it first',
)

type AdminContext = RequestContext<AppEnv & Authenticated>

function logAct(c: AdminContext, action: Action, id: number, changed?: string) {
  const { accountId: by } = c.var.claims
  log(c, 'info', action, { outcome: 'success', kind: 'user', id, by, ...(changed && { changed }) })
}

/** The user that an admin acted on, once the act is logged. If nothing had to change, there was none. */
function actedOn(c: AdminContext, action: Action, { user, changes }: usersByAdmin.Acted): UserRead {
  if (!user) throw userNotFound()
  if (changes) logAct(c, action, user.id, changesInWords(changes))
  return user
}

/** An act on a user that takes nothing but the user's id. */
async function act(
  c: AdminContext,
  action: Action,
  statement: typeof usersByAdmin.deleteUser,
  id: number,
): Promise<UserRead> {
  const { db, claims } = c.var
  await rateLimit(c)
  return actedOn(c, action, await statement(db, { ...claims, id, ...requestSourceOf(c) }))
}

const updatedUser = { 200: { description: 'The updated user', schema: UserRead } }

export const readUser = endpoint(
  contract({
    operationId: 'getUser',
    summary: 'Get a user',
    description: 'Includes deleted users.',
    responses: { 200: { description: 'The user', schema: UserRead } },
    errors: [userNotFound],
  }),
  authenticate('admin'),
  params(AccountId),
  async (c) => {
    const { id } = c.req.valid('param')
    const { user } = await withRateLimit(c, () =>
      usersByAdmin.readUser(c.var.db, { ...c.var.claims, id }),
    )
    if (!user) throw userNotFound()
    return c.json(user, 200)
  },
)

const UserChange = z
  .object({
    is_active: z.optional(z.boolean()),
    full_name: z.optional(FullName),
    is_superuser: z.optional(z.boolean()).check(z.meta({ description: 'Superadmins only' })),
  })
  .check(z.meta({ id: 'UpdateUserRequest' }))

export const updateUser = endpoint(
  contract({
    operationId: 'updateUser',
    summary: 'Update a user',
    description: 'Disabling or demoting a user ends all their sessions.',
    responses: updatedUser,
    errors: [userNotFound, superuserNeedsSuperadmin],
  }),
  authenticate('admin'),
  params(AccountId),
  json(UserChange),
  async (c) => {
    const { id } = c.req.valid('param')
    const change = c.req.valid('json')
    const { db, claims } = c.var
    await rateLimit(c)
    const acted = await usersByAdmin.updateUser(db, {
      ...claims,
      id,
      isActive: change.is_active,
      isSuperuser: change.is_superuser,
      fullName: change.full_name,
      setFullName: change.full_name !== undefined,
      ...requestSourceOf(c),
    })
    if (!acted.actor_is_superadmin && change.is_superuser !== undefined) {
      throw superuserNeedsSuperadmin()
    }
    return c.json(actedOn(c, 'user_updated', acted), 200)
  },
)

const Deletion = z.object({
  erase: z
    ._default(Flag, false)
    .check(z.meta({ description: 'Erase a deleted user. Superadmins only' })),
})

export const deleteUser = endpoint(
  contract({
    operationId: 'deleteUser',
    summary: 'Delete a user',
    description:
      'A soft delete: username and email stay taken, and the user can be restored. With `erase` a superadmin removes a deleted user for good, and all that is kept about them but the ids in the audit trail.',
    responses: { 204: { description: 'Deleted: all sessions have ended. Or erased' } },
    errors: [userNotFound, superadminOnly, notDeleted],
  }),
  authenticate('admin'),
  params(AccountId),
  query(Deletion),
  async (c) => {
    const { id } = c.req.valid('param')
    if (c.req.valid('query').erase) await erase(c, id)
    else await act(c, 'user_deleted', usersByAdmin.deleteUser, id)
    return c.body(null, 204)
  },
)

async function erase(c: AdminContext, id: number): Promise<void> {
  const { db, claims } = c.var
  await rateLimit(c)
  const erasure = await eraseUser(db, { ...claims, id, ...requestSourceOf(c) })
  if (!erasure.actor_is_superadmin) throw superadminOnly()
  if (erasure.was_deleted === null) throw userNotFound()
  if (!erasure.was_deleted) throw notDeleted()
  logAct(c, 'user_erased', id)
}

export const restoreUser = endpoint(
  contract({
    operationId: 'restoreUser',
    summary: 'Restore a deleted user',
    description:
      'Undoes a deletion that was not an erasure. Sessions stay ended: the user logs in again.',
    responses: updatedUser,
    errors: [userNotFound],
  }),
  authenticate('admin'),
  params(AccountId),
  async (c) => {
    const { id } = c.req.valid('param')
    return c.json(await act(c, 'user_restored', usersByAdmin.restoreUser, id), 200)
  },
)

export const revokeUserSessions = endpoint(
  contract({
    operationId: 'signOutUser',
    summary: 'End all sessions of a user',
    description: 'Logs the user out everywhere. They may log in again.',
    responses: { 204: { description: 'All sessions have ended' } },
    errors: [userNotFound],
  }),
  authenticate('admin'),
  params(AccountId),
  async (c) => {
    const { id } = c.req.valid('param')
    await act(c, 'user_sessions_revoked', usersByAdmin.revokeUserSessions, id)
    return c.body(null, 204)
  },
)
