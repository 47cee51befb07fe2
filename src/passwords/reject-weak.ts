import type { RequestContext } from '../context.ts'
import { defineUnavailable } from '../errors.ts'
import { invalid } from '../middleware/validate.ts'
import { isBreached } from './breached.ts'
import { commonPasswords } from './common.ts'
import { type PasswordOwner, type PasswordProblem, passwordProblem } from './hash.ts'

const REASONS = {
  too_short: 'is too short',
  too_long: 'is longer than 72 bytes in UTF-8',
  too_common: 'is one of the most common passwords',
  contains_account_name: 'is a name of the account',
  breached: 'is known from a data breach',
} as const satisfies Record<PasswordProblem | 'breached', string>

const cannotCheck = defineUnavailable(
  'New passwords can not be checked right now, please try again',
)

/**
 * Holds a password that somebody wants to set against the policy, alike wherever it is set.
 *
 * @throws {ApiError} 422 with the reason in `details`
 */
export async function refuseWeakPassword(
  c: RequestContext,
  field: 'password' | 'new_password',
  { password, owner }: { password: string; owner: PasswordOwner },
): Promise<void> {
  const { passwordMinLength: minLength, projectName, breachedPasswordsUrl } = c.var.config
  const policy = {
    minLength,
    projectName,
    commonPasswords: await commonPasswords(c.env.ASSETS).catch(() => {
      throw cannotCheck()
    }),
  }
  const problem =
    passwordProblem(password, owner, policy) ??
    (breachedPasswordsUrl && (await isBreached(breachedPasswordsUrl, password)) && 'breached')
  if (!problem) return
  throw invalid([{ field, message: `The password ${REASONS[problem]}`, type: problem }])
}
