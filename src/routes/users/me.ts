import * as z from 'zod/mini'
import { UserRead } from '../../db/accounts.ts'
import { deleteOwnUser, findUser, updateUser } from '../../db/users.ts'
import { log } from '../../log.ts'
import { queueEmails } from '../../mail/enqueue.ts'
import { admitHashing } from '../../middleware/admit-hashing.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { clearRefreshCookieOf } from '../../middleware/refresh-cookie.ts'
import { invalidBy, json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rateLimit, tooMany, withRateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { proveCurrentPassword, wrongPassword } from '../account/current-password.ts'
import { duplicateErrors, duplicateOf, taken } from '../duplicate.ts'
import { Email, FormerUsername, FullName, Password, Username } from '../input.ts'

export const readMe = endpoint(
  contract({
    operationId: 'getCurrentUser',
    summary: 'Get your account',
    description: 'The user whom the access token belongs to.',
    responses: { 200: { description: 'The user of the access token', schema: UserRead } },
  }),
  authenticate('user'),
  async (c) => {
    const user = await withRateLimit(c, () => findUser(c.var.db, c.var.claims))
    return c.json(user, 200)
  },
)

const ProfileChange = z
  .object({
    username: z.optional(FormerUsername),
    email: z.optional(Email),
    full_name: z.optional(FullName),
  })
  .check(z.meta({ id: 'UpdateCurrentUserRequest' }))

export const updateMe = endpoint(
  contract({
    operationId: 'updateCurrentUser',
    summary: 'Update your profile',
    description:
      'Omitted fields keep their value. When the email changes, the old and the new address are notified.',
    responses: { 200: { description: 'The updated user', schema: UserRead } },
    errors: duplicateErrors('User'),
  }),
  authenticate('user'),
  json(ProfileChange),
  async (c) => {
    const { username, email, full_name: fullName } = c.req.valid('json')
    const { db, claims } = c.var
    const rules = username === undefined ? undefined : Username.safeParse(username)
    await rateLimit(c, username || email ? 'profile' : undefined)
    const [oldEmailId, newEmailId] = [crypto.randomUUID(), crypto.randomUUID()]
    const updated = await updateUser(db, {
      ...claims,
      username,
      mayRename: rules?.success ?? true,
      email,
      fullName,
      setFullName: fullName !== undefined,
      oldEmailId,
      newEmailId,
      ...requestSourceOf(c),
    }).catch(duplicateOf('User'))
    if (updated.taken) throw taken('User', updated.taken)
    if (updated.rename_rejected && rules?.error) throw invalidBy(rules.error, 'username')
    if (updated.capped) throw tooMany(updated.resets_in ?? 0)
    const { user } = updated
    if (updated.email_changed) {
      queueEmails(c, oldEmailId, newEmailId)
      log(c, 'info', 'email_change', { outcome: 'success', kind: 'user', id: user.id })
    }
    return c.json(user, 200)
  },
)

const Deletion = z.object({ password: Password }).check(z.meta({ id: 'DeleteCurrentUserRequest' }))

export const deleteMe = endpoint(
  contract({
    operationId: 'deleteCurrentUser',
    summary: 'Delete your account',
    description: 'All sessions end immediately. An admin can restore the account.',
    responses: { 204: { description: 'Deleted' } },
    errors: [wrongPassword],
  }),
  authenticate('user'),
  json(Deletion),
  admitHashing(),
  async (c) => {
    const { password } = c.req.valid('json')
    const { db, claims } = c.var
    const { id, password_version: passwordVersion } = await proveCurrentPassword(
      c,
      password,
      'account_deleted',
    )
    const deleted = await deleteOwnUser(db, { ...claims, passwordVersion, ...requestSourceOf(c) })
    if (!deleted) throw wrongPassword()
    log(c, 'info', 'account_deleted', { outcome: 'success', kind: 'user', id })
    clearRefreshCookieOf(c, 'user', claims.sessionId)
    return c.body(null, 204)
  },
)
