import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'
import { UserRead } from '../../db/accounts.ts'
import { deleteOwnUser, findUser, updateUser } from '../../db/users.ts'
import { log } from '../../log.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { beside, limit } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { json } from '../../middleware/validate.ts'
import { duplicateOf } from '../duplicate.ts'
import { Email, FullName, Password, Username } from '../input.ts'
import { queueOwedMails } from '../../mail/enqueue.ts'
import { proveCurrentPassword, wrongPassword } from '../account/current-password.ts'

export const readMe = endpoint(
  contract({
    summary: 'Read the own account',
    limited: true,
    answers: { 200: { description: 'The user behind the token', schema: UserRead } },
  }),
  authenticate('user'),
  async (c) => {
    const user = await beside(c, () => findUser(c.var.db, c.var.claims))
    if (!user) throw notAuthenticated()
    return c.json(user, 200)
  },
)

const ProfileChange = z.object({
  username: Username.optional(),
  email: Email.optional(),
  full_name: FullName.optional(),
})

export const updateMe = endpoint(
  contract({
    summary: 'Change the own profile',
    description: 'Fields that are not given stay. Another email is told to the old address too.',
    limited: true,
    answers: { 200: { description: 'The user as it is now', schema: UserRead } },
    errors: { DuplicateRecordError: 'User with this username already exists' },
  }),
  authenticate('user'),
  json(ProfileChange),
  async (c) => {
    const { full_name: fullName, ...names } = c.req.valid('json')
    const { db, claims } = c.var
    await limit(c)
    const mailIds = [crypto.randomUUID(), crypto.randomUUID()] as const
    const updated = await updateUser(
      db,
      claims,
      { ...names, fullName },
      { mailIds, trace: traceOf(c) },
    ).catch(duplicateOf('User'))
    if (!updated) throw notAuthenticated()
    const { email_changed: emailChanged, ...user } = updated
    if (emailChanged) {
      queueOwedMails(c, ...mailIds)
      log(c, 'info', 'email_change', { outcome: 'success', kind: 'user', id: user.id })
    }
    return c.json(user, 200)
  },
)

export const deleteMe = endpoint(
  contract({
    summary: 'Delete the own account',
    description: 'The account is out at once; an admin can restore it.',
    limited: true,
    answers: { 204: { description: 'Deleted' } },
    errors: { AuthenticationError: 'Current password is incorrect' },
  }),
  authenticate('user'),
  json(z.object({ password: Password })),
  async (c) => {
    const { password } = c.req.valid('json')
    const { id, checkedHash } = await proveCurrentPassword(c, password, 'account_deleted')
    const trace = traceOf(c)
    const deleted = await deleteOwnUser(c.var.db, { accountId: id, checkedHash, trace })
    if (!deleted) throw wrongPassword()
    log(c, 'info', 'account_deleted', { outcome: 'success', kind: 'user', id })
    return c.body(null, 204)
  },
)
