import * as z from 'zod/mini'
import { UserRead } from '../../db/accounts.ts'
import { insertUser } from '../../db/users.ts'
import { log } from '../../log.ts'
import { queueEmails } from '../../mail/enqueue.ts'
import { admitHashing } from '../../middleware/admit-hashing.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rejectWeakPassword } from '../../passwords/policy.ts'
import { rateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { duplicateErrors, duplicateOf } from '../duplicate.ts'
import { Email, FullName, NewPassword, Username } from '../input.ts'

const NewUser = z
  .object({
    username: Username,
    email: Email,
    password: NewPassword,
    full_name: z.optional(FullName),
  })
  .check(z.meta({ id: 'RegisterUserRequest' }))

export const register = endpoint(
  contract({
    operationId: 'registerUser',
    summary: 'Register a user',
    description: 'Does not log in: use the new username and password for that.',
    responses: { 201: { description: 'The new user. A welcome email is sent', schema: UserRead } },
    errors: duplicateErrors('User'),
  }),
  json(NewUser),
  admitHashing(),
  async (c) => {
    const { username, email, password, full_name: fullName = null } = c.req.valid('json')
    const { db, hashing } = c.var
    await rateLimit(c, 'register')
    await rejectWeakPassword(c, 'password', { password, owner: { username, email, fullName } })

    const emailId = crypto.randomUUID()
    const passwordHash = await hashing.hash(password)
    const newUser = { username, email, fullName, passwordHash, emailId, ...requestSourceOf(c) }
    const user = await insertUser(db, newUser).catch(duplicateOf('User'))
    queueEmails(c, emailId)
    log(c, 'info', 'register', { outcome: 'success', kind: 'user', id: user.id })
    return c.json(user, 201)
  },
)
