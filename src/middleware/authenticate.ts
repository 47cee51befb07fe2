import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../context.ts'
import { documented } from '../openapi.ts'
import { ApiError, unauthenticated } from '../errors.ts'
import { verifyAccessToken } from '../tokens/access.ts'
import type { AccountKind } from '../tokens/derived.ts'

/** RFC 6750 section 2.1: one token of these characters, nothing else. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/** A token that is longer is none of ours: they have about 500 characters. */
const LONGEST_TOKEN = 4096

/** What a caller hears whose token is missing, forged, expired, or whose session has ended. */
export const notAuthenticated = () => unauthenticated('Could not validate credentials')

/**
 * Verifies the access token, without any trip, and sets `claims`. That the session still counts is
 * for the handler's statement to say: it joins it.
 *
 * @throws {ApiError} 401, or 403 for the token of the other kind of account
 */
export const authenticate = (kind: AccountKind) =>
  documented(
    { security: [{ bearerAuth: [] }] },
    createMiddleware<AppEnv>(async function authenticate(c, next) {
      const { keys, config } = c.var
      const token = c.req.header('Authorization')?.slice(0, LONGEST_TOKEN).match(BEARER)?.[1]
      const claims =
        token && (await verifyAccessToken(token, { keys, issuer: config.issuer, now: Date.now() }))
      if (!claims) throw notAuthenticated()
      if (claims.kind !== kind) {
        throw new ApiError(
          'AuthorizationError',
          `This needs the token of ${kind === 'user' ? 'a user' : 'an admin'}`,
        )
      }
      c.set('claims', claims)
      await next()
    }),
  )
