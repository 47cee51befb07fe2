import { truncates } from 'bcryptjs'
import type { RequestContext } from '../context.ts'
import { defineUnavailable, invalid } from '../errors.ts'
import { isBreached } from './breached.ts'
import { commonPasswords } from './common.ts'
import { normalizePassword } from './hash.ts'

/** Why a new password is rejected: the `type` and the words of the validation error. */
const PROBLEMS = {
  too_short: 'is too short',
  too_long: 'is longer than 72 bytes in UTF-8',
  too_common: 'is one of the most common passwords',
  contains_account_name: 'is a name of the account',
  breached: 'is known from a data breach',
} as const

type PasswordProblem = keyof typeof PROBLEMS

/** Who the password is for: it must not be their own name or address (ASVS 6.2.11). */
type PasswordOwner = {
  username: string
  email: string
  fullName?: string | null | undefined
}

const cannotCheck = defineUnavailable('New passwords cannot be checked right now, please try again')

/**
 * Checks a new password against the policy, the same wherever one is set.
 *
 * @throws {ApiError} 422 with the reason in `details`, 503 when the list of common passwords is missing
 */
export async function rejectWeakPassword(
  c: RequestContext,
  field: 'password' | 'new_password',
  { password, owner }: { password: string; owner: PasswordOwner },
): Promise<void> {
  const { passwordMinLength, brand, breachedPasswordsUrl } = c.var.config
  const common = await commonPasswords(c.env.ASSETS).catch(() => {
    throw cannotCheck()
  })
  const problem =
    localProblem(password, { ...owner, projectName: brand.name }, passwordMinLength, common) ??
    (breachedPasswordsUrl && (await isBreached(breachedPasswordsUrl, password)) && 'breached')
  if (!problem) return
  throw invalid([{ field, message: `The password ${PROBLEMS[problem]}`, type: problem }])
}

/** What is known without a network call. Length counts code points; there are no composition rules. */
function localProblem(
  password: string,
  { username, email, fullName, projectName }: PasswordOwner & { projectName: string },
  minLength: number,
  common: ReadonlySet<string>,
): PasswordProblem | undefined {
  const normal = normalizePassword(password)
  if ([...normal].length < minLength) return 'too_short'
  if (truncates(normal)) return 'too_long'
  const folded = fold(normal)
  if (common.has(folded)) return 'too_common'
  const names = [username, email, email.split('@')[0], fullName, projectName]
  const isName = names.some((name) => name && letters(folded) === letters(fold(name)))
  return isName ? 'contains_account_name' : undefined
}

const fold = (text: string) => normalizePassword(text).toLowerCase()

/** A name with digits or signs around it is still the name. */
const letters = (text: string) => text.replace(/[^\p{L}@]/gu, '') || text
