import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'
import { findReset, resetPassword as storePassword } from '../../db/password.ts'
import { ApiError } from '../../errors.ts'
import { log } from '../../log.ts'
import { beside } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { json } from '../../middleware/validate.ts'
import { readResetToken } from '../../tokens/derived.ts'
import { hashPassword } from '../../passwords/hash.ts'
import { Message, NewPassword, Token } from '../input.ts'
import { refuseWeakPassword } from '../../passwords/reject-weak.ts'
import { queueOwedMails } from '../../mail/enqueue.ts'

const refused = () => new ApiError('BadRequestError', 'Invalid or expired token')

export const resetPassword = endpoint(
  contract({
    summary: 'Set a new password by a reset link',
    description: 'Works once, and ends all sessions of the account.',
    limited: true,
    answers: { 200: { description: 'The new password is set', schema: Message } },
    errors: { BadRequestError: 'Invalid or expired token' },
  }),
  json(z.object({ token: Token, new_password: NewPassword })),
  async (c) => {
    const { token, new_password: password } = c.req.valid('json')
    const { config, db, keys } = c.var
    const resetId = readResetToken(keys, token)
    if (!resetId) throw refused()
    const owner = await beside(c, () => findReset(db, resetId), 'reset-password')
    if (!owner) throw refused()
    await refuseWeakPassword(c, 'new_password', {
      password,
      owner: { ...owner, fullName: owner.full_name },
    })

    const mailId = crypto.randomUUID()
    const newHash = await hashPassword(password, config.bcryptCost)
    const reset = await storePassword(db, { resetId, newHash, mailId, trace: traceOf(c) })
    if (!reset) throw refused()
    queueOwedMails(c, mailId)
    log(c, 'info', 'password_reset', { outcome: 'success', kind: 'user', id: reset.id })
    return c.json({ message: 'Password reset successful' }, 200)
  },
)
