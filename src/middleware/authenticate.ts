import { createMiddleware } from 'hono/factory'
import type { AppEnv, RequestContext } from '../context.ts'
import type { AccountType } from '../db/accounts.ts'
import { defineError, notAuthenticated } from '../errors.ts'
import { log } from '../log.ts'
import { documented } from '../openapi.ts'
import { type AccessClaims, verifyAccessToken } from '../tokens/access.ts'
import { readLegacyAccessToken } from '../tokens/legacy.ts'

/** What a handler behind `authenticate` may rely on. */
export type Authenticated = { Variables: { claims: AccessClaims } }

/** RFC 6750 section 2.1: one token of these characters, nothing else. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/** Characters. Our own tokens have about 500; a longer one is not ours. */
const MAX_TOKEN_LENGTH = 4096

const WRONG_ACCOUNT_TYPE = {
  user: defineError('AuthorizationError', 'This needs the token of a user'),
  admin: defineError('AuthorizationError', 'This needs the token of an admin'),
}

/** What `authenticate` throws, for the contract of an endpoint that calls {@link verifyBearer}. */
export const authenticationErrors = (accountType: AccountType) => [
  notAuthenticated,
  WRONG_ACCOUNT_TYPE[accountType],
]

/** What `Authorization` has as a bearer token. */
export const bearerToken = (req: RequestContext['req']) =>
  req.header('Authorization')?.slice(0, MAX_TOKEN_LENGTH).match(BEARER)?.[1]

/**
 * The claims of the access token in `Authorization`, verified without a network call.
 *
 * @throws {ApiError} 401, or 403 for the token of the other account type
 */
export async function verifyBearer(
  c: RequestContext,
  accountType: AccountType,
): Promise<AccessClaims> {
  const token = bearerToken(c.req)
  const claims = token && (await claimsOf(c, token))
  if (!claims) throw notAuthenticated()
  if (claims.kind !== accountType) throw WRONG_ACCOUNT_TYPE[accountType]()
  if (claims.legacy) {
    log(c, 'info', 'legacy_access_token_used', { kind: claims.kind, id: claims.accountId })
  }
  return claims
}

async function claimsOf({ var: { keys, config } }: RequestContext, token: string) {
  const { issuer, legacy } = config
  const now = Date.now()
  return (
    (await verifyAccessToken(token, { keys, issuer, now })) ??
    (await readLegacyAccessToken(token, { legacy, now }))
  )
}

/**
 * Requires an access token of this account type and sets `claims`. That the session is still open is
 * decided by the statement of the handler, which joins it: see `oneAsActor`.
 */
export const authenticate = (accountType: AccountType) =>
  documented(
    { security: [{ bearerAuth: [] }], errors: authenticationErrors(accountType) },
    createMiddleware<AppEnv & Authenticated>(async function authenticate(c, next) {
      c.set('claims', await verifyBearer(c, accountType))
      await next()
    }),
  )
