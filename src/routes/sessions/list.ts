import * as z from 'zod'
import { contract, endpoint } from '../../contract.ts'
import { listSessions, SessionRead } from '../../data/sessions.ts'
import { authenticate, notAuthenticated } from '../../middleware/authenticate.ts'
import { beside } from '../../middleware/limit.ts'
import type { AccountKind } from '../../security/derived-token.ts'

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
