import type { Context } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../context.ts'
import { contract, endpoint } from '../../openapi.ts'
import { forgetPasswordChecks, changePassword as storePassword } from '../../db/password.ts'
import { ApiError } from '../../errors.ts'
import { log } from '../../log.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { traceOf } from '../../request-source.ts'
import { json } from '../../middleware/validate.ts'
import type { AccountKind } from '../../tokens/derived.ts'
import { hashPassword } from '../../passwords/hash.ts'
import { Message, NewPassword, Password } from '../input.ts'
import { refuseWeakPassword } from '../../passwords/reject-weak.ts'
import { queueOwedMails } from '../../mail/enqueue.ts'
import { proveCurrentPassword, wrongPassword } from './current-password.ts'

/** `POST /change-password`: ends all other sessions; this one goes on. */
export const changePassword = (kind: AccountKind) =>
  endpoint(
    contract({
      summary: 'Change the own password',
      limited: true,
      answers: { 200: { description: 'Changed; all other sessions have ended', schema: Message } },
      errors: {
        AuthenticationError: 'Current password is incorrect',
        BusinessLogicError: 'New password must be different from current password',
      },
    }),
    authenticate(kind),
    json(z.object({ current_password: Password, new_password: NewPassword })),
    async (c) => {
      const { current_password: current, new_password: password } = c.req.valid('json')
      const { config, db, claims } = c.var
      const account = await proveCurrentPassword(c, current, 'password_change')
      await refuseUnfit(c, { password, current, account }).catch(async (refusal: unknown) => {
        // The current password was right: that the new one is refused is no failed try.
        await forgetPasswordChecks(db, claims)
        throw refusal
      })

      const mailId = crypto.randomUUID()
      const changed = await storePassword(db, claims, {
        checkedHash: account.checkedHash,
        newHash: await hashPassword(password, config.bcryptCost),
        mailId,
        trace: traceOf(c),
      })
      if (!changed) throw wrongPassword()
      queueOwedMails(c, mailId)
      log(c, 'info', 'password_change', { outcome: 'success', kind, id: changed.id })
      return c.json({ message: 'Password changed successfully' }, 200)
    },
  )

type NewPasswordOf = {
  password: string
  current: string
  account: { username: string; email: string; full_name: string | null }
}

/** 400 for the current password again, 422 for one that the policy refuses. */
async function refuseUnfit(c: Context<AppEnv>, { password, current, account }: NewPasswordOf) {
  if (password.normalize('NFKC') === current.normalize('NFKC')) {
    throw new ApiError('BusinessLogicError', 'New password must be different from current password')
  }
  const owner = { ...account, fullName: account.full_name }
  await refuseWeakPassword(c, 'new_password', { password, owner })
}
