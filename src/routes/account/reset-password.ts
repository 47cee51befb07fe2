import * as z from 'zod/mini'
import type { AccountType } from '../../db/accounts.ts'
import * as passwordResets from '../../db/password-resets.ts'
import { defineError } from '../../errors.ts'
import { log } from '../../log.ts'
import { queueEmails } from '../../mail/enqueue.ts'
import { admitHashing } from '../../middleware/admit-hashing.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rejectWeakPassword } from '../../passwords/policy.ts'
import { withRateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { Message, NewPassword, Token } from '../input.ts'
import { presentedReset } from './presented-reset.ts'

export const invalidToken = defineError('BadRequestError', 'Invalid or expired token')

const PasswordReset = z
  .object({ token: Token, new_password: NewPassword })
  .check(z.meta({ id: 'ResetPasswordRequest' }))

const RESET = { message: 'Password reset successful' }

/** `POST /reset-password`: sets the password with the token of a reset link. */
export const resetPassword = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'resetUserPassword', admin: 'resetAdminPassword' }[accountType],
      summary: 'Reset the password',
      description: 'The token of a reset link works once. All sessions of the account end.',
      responses: {
        200: { description: 'The password has been reset', schema: Message, example: RESET },
      },
      errors: [invalidToken],
    }),
    json(PasswordReset),
    admitHashing(),
    async (c) => {
      const { token, new_password: password } = c.req.valid('json')
      const { db, hashing } = c.var
      const presented = presentedReset(c, accountType, token)
      if (!presented) throw invalidToken()
      const { table, resetId } = presented
      const owner = await withRateLimit(
        c,
        () => passwordResets.findReset[table](db, { resetId }),
        'reset-password',
      )
      if (!owner) throw invalidToken()
      await rejectWeakPassword(c, 'new_password', {
        password,
        owner: { ...owner, fullName: owner.full_name },
      })

      const emailId = crypto.randomUUID()
      const newHash = await hashing.hash(password)
      const values = { resetId, newHash, emailId, ...requestSourceOf(c) }
      const reset = await passwordResets.resetPassword[table](db, values)
      if (!reset) throw invalidToken()
      queueEmails(c, emailId)
      if (table === 'legacy') {
        log(c, 'info', 'legacy_reset_token_used', { kind: accountType, id: reset.id })
      }
      log(c, 'info', 'password_reset', { outcome: 'success', kind: accountType, id: reset.id })
      return c.json(RESET, 200)
    },
  )
