import type { AppEnv, RequestContext } from '../../context.ts'
import { countPasswordCheck } from '../../db/attempts.ts'
import { type Action, recordFailure } from '../../db/audit-events.ts'
import { PASSWORD_ATTEMPTS } from '../../db/caps.ts'
import { defineUnauthenticated } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Admitted } from '../../middleware/admit-hashing.ts'
import type { Authenticated } from '../../middleware/authenticate.ts'
import { tooMany, withRateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'

/** Thrown when the password is wrong. */
export const wrongPassword = defineUnauthenticated('Current password is incorrect')

/**
 * Has the caller prove who they are once more, counted against the same cap as logins.
 *
 * @param action what the proof is for, in the audit trail's words
 * @returns the account, with the version of the password that was compared
 * @throws {ApiError} 401 or 429
 */
export async function proveCurrentPassword(
  c: RequestContext<AppEnv & Authenticated & Admitted>,
  password: string,
  action: Action,
) {
  const { db, claims, hashing } = c.var
  const { kind: accountType } = claims
  const source = requestSourceOf(c)
  const account = await withRateLimit(
    c,
    () => countPasswordCheck[accountType](db, { ...claims, network: source.network }),
    'change-password',
  )
  if (account.count > PASSWORD_ATTEMPTS.max) throw tooMany(account.resets_in)

  const { correct } = await hashing.verify(password, account.hashed_password)
  if (correct) return account
  const actor = { kind: accountType, id: account.id }
  await recordFailure(db, { action, reason: 'wrong_password', actor, source })
  log(c, 'warn', action, {
    outcome: 'failure',
    reason: 'wrong_password',
    kind: accountType,
    id: account.id,
  })
  throw wrongPassword()
}
