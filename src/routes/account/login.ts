import { contract, endpoint } from '../../openapi.ts'
import { PASSWORD_ATTEMPTS } from '../../db/attempts.ts'
import { recordFailure } from '../../db/audit-events.ts'
import { countLogin, type LoginAttempt, openSession } from '../../db/login.ts'
import { unauthenticated } from '../../errors.ts'
import { log } from '../../log.ts'
import { beside, tooMany } from '../../rate-limit/limit.ts'
import { deviceOf, traceOf } from '../../request-source.ts'
import { json } from '../../middleware/validate.ts'
import { type AccountKind, attemptKey } from '../../tokens/derived.ts'
import { hashPassword, verifyPassword } from '../../passwords/hash.ts'
import { Credentials } from '../input.ts'
import { TokenPair, tokenPair } from './token-pair.ts'

/** `POST /login`: unknown, wrong, disabled and deleted are one answer, after the same work. */
export const login = (kind: AccountKind) =>
  endpoint(
    contract({
      summary: 'Log in',
      description: 'With the username or the email. After ten wrong passwords an account waits.',
      limited: true,
      answers: { 200: { description: 'A session is open', schema: TokenPair } },
      errors: { AuthenticationError: 'Invalid username or password' },
    }),
    json(Credentials),
    async (c) => {
      const { identifier, password } = c.req.valid('json')
      const { config, db, keys } = c.var
      const unknownKey = attemptKey(keys, kind, identifier)
      const attempt = await beside(
        c,
        () => countLogin(db, kind, { identifier, unknownKey }),
        kind === 'user' ? 'login' : 'admin-login',
      )
      if (attempt.count > PASSWORD_ATTEMPTS.max) {
        log(c, 'warn', 'login', { outcome: 'failure', reason: 'capped', kind, id: attempt.id })
        throw tooMany(attempt.resets_in)
      }

      const verdict = await verifyPassword(password, attempt.hashed_password, config.bcryptCost)
      if (attempt.id !== null && verdict.malformed) {
        log(c, 'error', 'stored_hash_malformed', { kind, id: attempt.id })
      }
      const refuse = async (reason: string) => {
        const target = attempt.id === null ? undefined : { kind, id: attempt.id }
        const trace = traceOf(c)
        await recordFailure(db, { action: 'login', actor: undefined, target, trace, reason })
        log(c, 'warn', 'login', { outcome: 'failure', reason, kind, id: attempt.id })
        return unauthenticated('Invalid username or password')
      }
      const reason = refusal(attempt, verdict.correct)
      if (reason) throw await refuse(reason)

      const sessionId = crypto.randomUUID()
      const opened = await openSession(db, kind, {
        checked: attempt,
        newHash: verdict.outdated ? await hashPassword(password, config.bcryptCost) : undefined,
        sessionId,
        device: deviceOf(c),
        refreshTokenSeconds: config.refreshTokenSeconds,
        trace: traceOf(c),
      })
      if (!opened) throw await refuse('changed_meanwhile')
      log(c, 'info', 'login', { outcome: 'success', kind, id: opened.id })
      const { id: accountId, ranked } = opened
      return c.json(await tokenPair(c, kind, { accountId, ranked, sessionId, counter: 0 }), 200)
    },
  )

/** Why a login is refused: for the log and the audit trail, never for the caller. */
function refusal({ id, usable }: LoginAttempt, correct: boolean) {
  if (id === null) return 'unknown_account'
  if (!usable) return 'account_not_active'
  return correct ? undefined : 'wrong_password'
}
