import type { AccountType } from '../../db/accounts.ts'
import { countLoginByEmail, countLoginByUsername } from '../../db/attempts.ts'
import { PASSWORD_ATTEMPTS } from '../../db/caps.ts'
import { type LoginFailure, recordFailedLogin } from '../../db/failed-logins.ts'
import { openSession } from '../../db/sessions.ts'
import { defineUnauthenticated } from '../../errors.ts'
import { log } from '../../log.ts'
import { admitHashing } from '../../middleware/admit-hashing.ts'
import { refreshCookieMode } from '../../middleware/refresh-cookie.ts'
import { json } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { tooMany, withRateLimit } from '../../rate-limit/limit.ts'
import { deviceOf, requestSourceOf } from '../../request-source.ts'
import { type Keys, mac } from '../../tokens/keys.ts'
import { Credentials } from '../input.ts'
import { tokenPair, tokenPairResponse } from './token-pair.ts'

const invalidCredentials = defineUnauthenticated('Invalid username or password')

/** `POST /login`: unknown, wrong, disabled and deleted get the same response, after the same work. */
export const login = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'loginUser', admin: 'loginAdmin' }[accountType],
      summary: 'Log in',
      description:
        'By username or email. After ten wrong passwords the account has to wait up to 15 minutes.',
      responses: { 200: tokenPairResponse('The tokens of a new session') },
      errors: [invalidCredentials],
    }),
    json(Credentials),
    refreshCookieMode,
    admitHashing(),
    async (c) => {
      const { identifier, password } = c.req.valid('json')
      const { config, db, keys, hashing } = c.var
      const source = requestSourceOf(c)
      const countLogin = isEmail(identifier) ? countLoginByEmail : countLoginByUsername
      const attempt = await withRateLimit(
        c,
        () =>
          countLogin[accountType](db, {
            identifier,
            network: source.network,
            seed: countsSeed(keys),
          }),
        accountType === 'user' ? 'login' : 'admin-login',
      )
      if (attempt.count > PASSWORD_ATTEMPTS.max) {
        log(c, 'warn', 'login', {
          outcome: 'failure',
          reason: 'capped',
          kind: accountType,
          id: attempt.id,
        })
        throw tooMany(attempt.resets_in)
      }

      const verdict = await hashing.verify(password, attempt.hashed_password)
      if (attempt.id !== null && verdict.malformed) {
        log(c, 'error', 'stored_hash_malformed', { kind: accountType, id: attempt.id })
      }
      const reject = async (reason: LoginFailure) => {
        await recordFailedLogin[accountType](db, { reason, accountId: attempt.id, ...source })
        log(c, 'warn', 'login', { outcome: 'failure', reason, kind: accountType, id: attempt.id })
        return invalidCredentials()
      }
      const { id: accountId, password_version: passwordVersion } = attempt
      if (accountId === null || passwordVersion === null) throw await reject('unknown_account')
      if (!attempt.usable) throw await reject('account_not_active')
      if (!verdict.correct) throw await reject('wrong_password')

      const sessionId = crypto.randomUUID()
      const opened = await openSession[accountType](db, {
        accountId,
        passwordVersion,
        attemptKey: attempt.key,
        sessionId,
        newHash: verdict.outdated ? await hashing.hash(password) : null,
        refreshTokenSeconds: config.refreshTokenSeconds,
        ...deviceOf(c),
        ...source,
      })
      if (!opened) throw await reject('changed_meanwhile')
      log(c, 'info', 'login', { outcome: 'success', kind: accountType, id: accountId })
      const { elevated } = opened
      return c.json(
        await tokenPair(c, accountType, {
          accountId,
          elevated,
          sessionId,
          counter: 0,
          expiresIn: config.refreshTokenSeconds,
        }),
        200,
      )
    },
  )

/** A username can't contain an `@`, so it can't be somebody else's email. */
const isEmail = (identifier: string) => identifier.includes('@')

/** Which counts unknown names share is a secret of the installation: nobody can fill the one of a name. */
const countsSeed = (keys: Keys) => mac(keys, 'login-attempts', 'seed').readUIntBE(0, 6)
