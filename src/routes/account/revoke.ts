import { contract, endpoint } from '../../openapi.ts'
import { revokeOtherSessions, revokeSession } from '../../db/sessions.ts'
import { ApiError } from '../../errors.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { limit } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { params } from '../../middleware/validate.ts'
import type { AccountKind } from '../../tokens/derived.ts'
import { SessionId } from '../input.ts'

/** `DELETE /me/sessions/{id}`: ends one session of the caller, the current one too. */
export const revokeOwnSession = (kind: AccountKind) =>
  endpoint(
    contract({
      summary: 'End one of the own sessions',
      limited: true,
      answers: { 204: { description: 'It has ended' } },
      errors: { NotFoundError: 'No such session' },
    }),
    authenticate(kind),
    params(SessionId),
    async (c) => {
      const { id } = c.req.valid('param')
      await limit(c)
      const revoked = await revokeSession(c.var.db, c.var.claims, id, traceOf(c))
      if (!revoked) throw notAuthenticated()
      if (!revoked.found) throw new ApiError('NotFoundError', 'No such session')
      return c.body(null, 204)
    },
  )

/** `DELETE /me/sessions`: ends all sessions of the caller but the current one. */
export const revokeOwnOtherSessions = (kind: AccountKind) =>
  endpoint(
    contract({
      summary: 'End all other own sessions',
      limited: true,
      answers: { 204: { description: 'They have ended' } },
    }),
    authenticate(kind),
    async (c) => {
      await limit(c)
      const ended = await revokeOtherSessions(c.var.db, c.var.claims, traceOf(c))
      if (!ended) throw notAuthenticated()
      return c.body(null, 204)
    },
  )
