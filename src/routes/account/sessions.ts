import * as z from 'zod/mini'
import type { AccountType } from '../../db/accounts.ts'
import {
  listSessions,
  MAX_OPEN_SESSIONS,
  revokeOtherSessions,
  revokeSession,
  SessionRead,
} from '../../db/sessions.ts'
import { defineError } from '../../errors.ts'
import { authenticate } from '../../middleware/authenticate.ts'
import { clearRefreshCookieOf } from '../../middleware/refresh-cookie.ts'
import { params, query } from '../../middleware/validate.ts'
import { contract, endpoint } from '../../openapi.ts'
import { rateLimit, withRateLimit } from '../../rate-limit/limit.ts'
import { requestSourceOf } from '../../request-source.ts'
import { SessionId } from '../input.ts'

const sessionNotFound = defineError('NotFoundError', 'No such session')

const SessionQuery = z.object({
  page: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(MAX_OPEN_SESSIONS)), 1),
  page_size: z._default(
    z.coerce.number().check(z.int(), z.minimum(1), z.maximum(MAX_OPEN_SESSIONS)),
    MAX_OPEN_SESSIONS,
  ),
})

/** `GET /me/sessions`: where the caller is logged in. */
export const listOwnSessions = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'listUserSessions', admin: 'listAdminSessions' }[accountType],
      summary: 'List your sessions',
      description: `An account has at most ${MAX_OPEN_SESSIONS}: a further login ends the one that was not used for longest. By default all are on the first page.`,
      responses: {
        200: {
          description: 'Your sessions, most recently used first',
          schema: z.array(SessionRead).check(z.maxLength(MAX_OPEN_SESSIONS)),
        },
      },
    }),
    authenticate(accountType),
    query(SessionQuery),
    async (c) => {
      const { page, page_size: limit } = c.req.valid('query')
      const range = { limit, offset: (page - 1) * limit }
      const { sessions } = await withRateLimit(c, () =>
        listSessions[accountType](c.var.db, { ...c.var.claims, ...range }),
      )
      return c.json(sessions, 200)
    },
  )

/** `DELETE /me/sessions/{id}`: ends one session of the caller, the current one too. */
export const revokeOwnSession = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'endUserSession', admin: 'endAdminSession' }[accountType],
      summary: 'End one of your sessions',
      description: 'May be the current one. Its tokens stop working at once.',
      responses: { 204: { description: 'The session has ended' } },
      errors: [sessionNotFound],
    }),
    authenticate(accountType),
    params(SessionId),
    async (c) => {
      const { id: revokedId } = c.req.valid('param')
      const { db, claims } = c.var
      await rateLimit(c)
      const revoked = await revokeSession[accountType](db, {
        ...claims,
        revokedId,
        ...requestSourceOf(c),
      })
      if (!revoked.found) throw sessionNotFound()
      clearRefreshCookieOf(c, accountType, revokedId)
      return c.body(null, 204)
    },
  )

/** `DELETE /me/sessions`: ends all sessions of the caller but the current one. */
export const revokeOwnOtherSessions = (accountType: AccountType) =>
  endpoint(
    contract({
      operationId: { user: 'endOtherUserSessions', admin: 'endOtherAdminSessions' }[accountType],
      summary: 'End your other sessions',
      description: 'Log out everywhere else: the session of the access token goes on.',
      responses: { 204: { description: 'All sessions but the current one have ended' } },
    }),
    authenticate(accountType),
    async (c) => {
      const { db, claims } = c.var
      await rateLimit(c)
      await revokeOtherSessions[accountType](db, { ...claims, ...requestSourceOf(c) })
      return c.body(null, 204)
    },
  )
