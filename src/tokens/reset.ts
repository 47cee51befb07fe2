import type { AccountType } from '../db/accounts.ts'
import { deriveToken, subjectOf } from './derived.ts'
import type { Keys, Purpose } from './keys.ts'

/** The name for users is older: links in mails depend on it. */
const PURPOSE: Record<AccountType, Purpose> = {
  user: 'password-reset',
  admin: 'password-reset:admin',
}

/** `resetId` is the id of the request for a reset; only the newest one of an account is valid. */
export const resetToken = (keys: Keys, accountType: AccountType, resetId: string) =>
  deriveToken(keys, PURPOSE[accountType], resetId)

/** The reset id of a genuine reset token of this account type, or null. */
export const readResetToken = (keys: Keys, accountType: AccountType, token: string) =>
  subjectOf(keys, PURPOSE[accountType], token)
