import * as z from 'zod'
import { contract, endpoint } from '../../contract.ts'
import { UserRead } from '../../data/accounts.ts'
import { insertUser } from '../../data/users.ts'
import { log } from '../../log.ts'
import { limit } from '../../middleware/limit.ts'
import { traceOf } from '../../middleware/origin.ts'
import { json } from '../../middleware/validate.ts'
import { hashPassword } from '../../security/passwords.ts'
import { duplicateOf } from '../duplicate.ts'
import { Email, FullName, NewPassword, Username } from '../input.ts'
import { refuseWeakPassword } from '../new-password.ts'
import { queueOwedMails } from '../owed-mail.ts'

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
