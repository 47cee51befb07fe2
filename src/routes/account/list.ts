import * as z from 'zod'
import { contract, endpoint } from '../../openapi.ts'
import { listSessions, SessionRead } from '../../db/sessions.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { beside } from '../../rate-limit/limit.ts'
import type { AccountKind } from '../../tokens/derived.ts'

/** `GET /me/sessions`: where the caller is logged in. */
export const listOwnSessions = (kind: AccountKind) =>
  endpoint(
    contract({
      summary: 'List the own sessions',
      limited: true,
      answers: { 200: { description: 'Last used first', schema: z.array(SessionRead) } },
    }),
    authenticate(kind),
    async (c) => {
      const sessions = await beside(c, () => listSessions(c.var.db, c.var.claims))
      if (sessions.length === 0) throw notAuthenticated()
      return c.json(sessions, 200)
    },
  )
