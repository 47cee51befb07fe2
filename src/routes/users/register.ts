import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'
import { UserRead } from '../../db/accounts.ts'
import { insertUser } from '../../db/users.ts'
import { log } from '../../log.ts'
import { limit } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { json } from '../../middleware/validate.ts'
import { hashPassword } from '../../passwords/hash.ts'
import { duplicateOf } from '../duplicate.ts'
import { Email, FullName, NewPassword, Username } from '../input.ts'
import { refuseWeakPassword } from '../../passwords/reject-weak.ts'
import { queueOwedMails } from '../../mail/enqueue.ts'

const NewUser = z.object({
  username: Username,
  email: Email,
  password: NewPassword,
  full_name: FullName.optional(),
})

export const register = endpoint(
  contract({
    summary: 'Register',
    limited: true,
    answers: { 201: { description: 'The new user; a welcome mail follows', schema: UserRead } },
    errors: { DuplicateRecordError: 'User with this email already exists' },
  }),
  json(NewUser),
  async (c) => {
    const { username, email, password, full_name: fullName = null } = c.req.valid('json')
    const { config, db } = c.var
    await limit(c, 'register')
    await refuseWeakPassword(c, 'password', { password, owner: { username, email, fullName } })

    const mailId = crypto.randomUUID()
    const passwordHash = await hashPassword(password, config.bcryptCost)
    const newUser = { username, email, fullName, passwordHash, mailId, trace: traceOf(c) }
    const user = await insertUser(db, newUser).catch(duplicateOf('User'))
    queueOwedMails(c, mailId)
    log(c, 'info', 'register', { outcome: 'success', kind: 'user', id: user.id })
    return c.json(user, 201)
  },
)
