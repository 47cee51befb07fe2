import { deriveToken, subjectOf } from './derived.ts'
import type { Keys } from './keys.ts'

/** `resetId` is the id of the request for a reset; only the newest one of an account is valid. */
export const resetToken = (keys: Keys, resetId: string) =>
  deriveToken(keys, 'password-reset', resetId)

/** The reset id of a genuine reset token, or null. */
export const readResetToken = (keys: Keys, token: string) =>
  subjectOf(keys, 'password-reset', token)
