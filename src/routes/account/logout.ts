import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'
import { endSession } from '../../db/sessions.ts'
import { limit } from '../../rate-limit/limit.ts'
import { traceOf } from '../../request-source.ts'
import { json } from '../../middleware/validate.ts'
import { type AccountKind, readRefreshToken } from '../../tokens/derived.ts'
import { Token } from '../input.ts'

/** `POST /logout`: ends the session of a refresh token. */
export const logout = (kind: AccountKind) =>
  endpoint(
    contract({
      summary: 'Log out',
      limited: true,
      answers: { 204: { description: 'The session has ended, now or before' } },
    }),
    json(z.object({ refresh_token: Token })),
    async (c) => {
      const subject = readRefreshToken(c.var.keys, kind, c.req.valid('json').refresh_token)
      if (subject) {
        await limit(c)
        await endSession(c.var.db, kind, subject.sessionId, traceOf(c))
      }
      return c.body(null, 204)
    },
  )
