import * as z from 'zod/mini'
import type { AccountType } from '../../db/accounts.ts'
import * as passwordResets from '../../db/password-resets.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { withRateLimit } from '../../rate-limit/limit.ts'
import { Token } from '../input.ts'
import { presentedReset } from './presented-reset.ts'
import { invalidToken } from './reset-password.ts'

const CheckReset = z.object({ token: Token }).check(z.meta({ id: 'CheckResetLinkRequest' }))

const ResetLink = z
  .object({ username: z.string(), email: z.string(), expires_at: z.coerce.date() })
  .check(z.meta({ id: 'ResetLink' }))

/**
 * `POST /reset-password/check`: whose reset link this is, before a password is typed. It costs the quota
 * alone: nobody guesses a token, so there is nothing to slow down, and opening the page must not spend what
 * `POST /reset-password` has.
 */
export const checkReset = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'checkUserPasswordReset', admin: 'checkAdminPasswordReset' }[
        accountType
      ],
      summary: 'Check a reset link',
      description: 'The token is not used, and its link expires when it would have.',
      responses: { 200: { description: 'The account of the link', schema: ResetLink } },
      errors: [invalidToken],
    }),
    json(CheckReset),
    async (c) => {
      const presented = presentedReset(c, accountType, c.req.valid('json').token)
      if (!presented) throw invalidToken()
      const { table, resetId } = presented
      const reset = await withRateLimit(c, () =>
        passwordResets.findReset[table](c.var.db, { resetId }),
      )
      if (!reset) throw invalidToken()
      const { username, email, expires_at } = reset
      return c.json({ username, email, expires_at }, 200)
    },
  )
