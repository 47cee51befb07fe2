import type { Context } from 'hono'
import type { AppEnv } from '../../context.ts'
import { PASSWORD_ATTEMPTS } from '../../db/attempts.ts'
import { type Action, recordFailure } from '../../db/audit-events.ts'
import { countPasswordCheck } from '../../db/password.ts'
import { unauthenticated } from '../../errors.ts'
import { log } from '../../log.ts'
import { notAuthenticated } from '../../middleware/authenticate.ts'
import { beside, tooMany } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { verifyPassword } from '../../passwords/hash.ts'

/** What a caller hears whose password is not the account's. */
export const wrongPassword = () => unauthenticated('Current password is incorrect')

/**
 * Has the caller prove who they are once more, counted against the same cap as logins.
 *
 * @param action what the proof is for, in the audit trail's words
 * @returns the account, with the hash that was compared
 * @throws {ApiError} 401 or 429
 */
export async function proveCurrentPassword(c: Context<AppEnv>, password: string, action: Action) {
  const { config, db, claims } = c.var
  const { kind } = claims
  const account = await beside(c, () => countPasswordCheck(db, claims), 'change-password')
  if (!account) throw notAuthenticated()
  if (account.count > PASSWORD_ATTEMPTS.max) throw tooMany(account.resets_in)

  const checkedHash = account.hashed_password
  const { correct } = await verifyPassword(password, checkedHash, config.bcryptCost)
  if (correct && checkedHash) return { ...account, checkedHash }
  const actor = { kind, id: account.id }
  await recordFailure(db, { action, actor, trace: traceOf(c), reason: 'wrong_password' })
  log(c, 'warn', action, { outcome: 'failure', reason: 'wrong_password', kind, id: account.id })
  throw wrongPassword()
}
