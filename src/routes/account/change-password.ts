import * as z from 'zod/mini'
import type { RequestContext } from '../../context.ts'
import type { AccountType } from '../../db/accounts.ts'
import { clearPasswordChecks } from '../../db/attempts.ts'
import * as passwords from '../../db/passwords.ts'
import { defineError } from '../../errors.ts'
import { log } from '../../log.ts'
import { queueEmails } from '../../mail/enqueue.ts'
import { admitHashing } from '../../middleware/admit-hashing.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rejectWeakPassword } from '../../passwords/policy.ts'
import { tooMany } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { Message, NewPassword, Password } from '../input.ts'
import { proveCurrentPassword, wrongPassword } from './current-password.ts'

const samePassword = defineError(
  'BusinessLogicError',
  'New password must be different from current password',
)

const PasswordChange = z
  .object({ current_password: Password, new_password: NewPassword })
  .check(z.meta({ id: 'ChangePasswordRequest' }))

const CHANGED = { message: 'Password changed successfully' }

/** `POST /change-password`: ends all other sessions; this one goes on. */
export const changePassword = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'changeUserPassword', admin: 'changeAdminPassword' }[accountType],
      summary: 'Change your password',
      description:
        'Ends all other sessions; the one of the access token goes on. A wrong current password counts as a failed login.',
      responses: {
        200: {
          description: 'Changed. All other sessions have ended',
          schema: Message,
          example: CHANGED,
        },
      },
      errors: [wrongPassword, samePassword],
    }),
    authenticate(accountType),
    json(PasswordChange),
    admitHashing(),
    async (c) => {
      const { current_password: current, new_password: password } = c.req.valid('json')
      const { db, claims, hashing } = c.var
      const account = await proveCurrentPassword(c, current, 'password_change')
      await rejectUnfit(c, { password, current, account }).catch(async (rejection: unknown) => {
        // The current password was right: a rejected new one is not a failed attempt.
        await clearPasswordChecks[accountType](db, claims)
        throw rejection
      })

      const emailId = crypto.randomUUID()
      const changed = await passwords.changePassword[accountType](db, {
        ...claims,
        passwordVersion: account.password_version,
        newHash: await hashing.hash(password),
        emailId,
        ...requestSourceOf(c),
      })
      if (!changed) throw wrongPassword()
      if (!changed.changed) {
        await clearPasswordChecks[accountType](db, claims)
        throw tooMany(changed.resets_in)
      }
      queueEmails(c, emailId)
      log(c, 'info', 'password_change', { outcome: 'success', kind: accountType, id: account.id })
      return c.json(CHANGED, 200)
    },
  )

type NewPasswordOf = {
  password: string
  current: string
  account: { username: string; email: string; full_name: string | null }
}

/** 400 for the current password again, 422 for one that the policy rejects. */
async function rejectUnfit(c: RequestContext, { password, current, account }: NewPasswordOf) {
  if (password.normalize('NFKC') === current.normalize('NFKC')) {
    throw samePassword()
  }
  const owner = { ...account, fullName: account.full_name }
  await rejectWeakPassword(c, 'new_password', { password, owner })
}
