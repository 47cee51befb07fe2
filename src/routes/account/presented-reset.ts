import type { RequestContext } from '../../context.ts'
import type { AccountType } from '../../db/accounts.ts'
import { readLegacyResetToken } from '../../tokens/legacy.ts'
import { readResetToken } from '../../tokens/reset.ts'

/**
 * Where the reset of a genuine token is to be found, and by what, or undefined. Users may have a link of the
 * former service: its admins had none.
 */
export function presentedReset(
  { var: { keys, config } }: RequestContext,
  accountType: AccountType,
  token: string,
) {
  const own = readResetToken(keys, accountType, token)
  if (own) return { table: accountType, resetId: own }
  const { legacy } = config
  const hash = accountType === 'user' && readLegacyResetToken(token, { legacy, now: Date.now() })
  return hash ? { table: 'legacy' as const, resetId: hash } : undefined
}
