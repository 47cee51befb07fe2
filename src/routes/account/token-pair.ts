import * as z from 'zod/mini'
import type { AppEnv, RequestContext } from '../../context.ts'
import type { AccountType } from '../../db/accounts.ts'
import type { RefreshSubject } from '../../db/sessions.ts'
import {
  type RefreshCookieMode,
  SetCookie,
  setRefreshCookie,
} from '../../middleware/refresh-cookie.ts'
import type { ResponseDocumentation } from '../../openapi.ts'
import { roleOf, signAccessToken } from '../../tokens/access.ts'
import { refreshToken } from '../../tokens/refresh.ts'
import { endReplacedSession } from './replaced-session.ts'

const TokenPair = z
  .object({
    access_token: z.string().check(
      z.meta({
        description: 'JWT (EdDSA). Verify it with the keys at /.well-known/jwks.json',
      }),
    ),
    refresh_token: z
      .optional(z.string())
      .check(z.meta({ description: 'Opaque. Each refresh replaces it. Absent in cookie mode' })),
    token_type: z.literal('bearer'),
    expires_in: z.int().check(z.meta({ description: 'Seconds until the access token expires' })),
  })
  .check(z.meta({ id: 'TokenPair' }))

/** The response of every endpoint that returns a token pair. */
export const tokenPairResponse = (description: string) =>
  ({ description, schema: TokenPair, headers: SetCookie }) satisfies ResponseDocumentation

/** `expiresIn`: seconds until the refresh token expires. */
type Session = RefreshSubject & { accountId: number; elevated: boolean; expiresIn: number }

/**
 * The tokens of a session at this point of its rotation. In cookie mode the refresh token goes into the
 * cookie, and not into the body.
 */
export async function tokenPair(
  c: RequestContext<AppEnv & RefreshCookieMode>,
  accountType: AccountType,
  { accountId, elevated, expiresIn, ...subject }: Session,
  cookieMode = c.var.wantsCookie,
): Promise<z.output<typeof TokenPair>> {
  const { keys, config } = c.var
  const role = roleOf(accountType, elevated)
  const token = refreshToken(keys, accountType, subject)
  if (cookieMode) {
    endReplacedSession(c, accountType, subject.sessionId)
    setRefreshCookie(c, accountType, { token, maxAge: expiresIn })
  }
  return {
    access_token: await signAccessToken(
      { kind: accountType, accountId, sessionId: subject.sessionId, role },
      { keys, issuer: config.issuer, now: Date.now(), ttl: config.accessTokenSeconds },
    ),
    ...(!cookieMode && { refresh_token: token }),
    token_type: 'bearer',
    expires_in: config.accessTokenSeconds,
  }
}
