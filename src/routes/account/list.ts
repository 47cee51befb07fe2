import * as z from 'zod'
import type { AccountType } from '../../db/accounts.ts'
import { listSessions, SessionRead } from '../../db/sessions.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { withRateLimit } from '../../rate-limit/limit.ts'

/** `GET /me/sessions`: where the caller is logged in. */
export const listOwnSessions = (kind: AccountType) =>
  endpoint(
    contract({
      summary: 'List your sessions',
      responses: {
        200: {
          description: 'Your sessions, most recently used first',
          schema: z.array(SessionRead),
        },
      },
    }),
    authenticate(kind),
    async (c) => {
      const sessions = await withRateLimit(c, () => listSessions[kind](c.var.db, c.var.claims))
      return c.json(sessions, 200)
    },
  )
