import * as z from 'zod/mini'
import type { AppEnv, RequestContext } from '../../context.ts'
import type { AccountType } from '../../db/accounts.ts'
import { invalid } from '../../errors.ts'
import { requireTrustedOrigin } from '../../middleware/cross-origin.ts'
import { type RefreshCookieMode, refreshCookie } from '../../middleware/refresh-cookie.ts'
import { Token } from '../input.ts'

/** The body of refresh and logout. */
export const PresentedToken = z
  .object({
    refresh_token: z
      .optional(Token)
      .check(z.meta({ description: 'If it is absent, the token is that of the cookie' })),
  })
  .check(z.meta({ id: 'RefreshTokenRequest' }))

/** For the OpenAPI document: the cookie may stand in for the body's token. */
export const mayUseCookie = {
  user: [{}, { userRefreshCookie: [] }],
  admin: [{}, { adminRefreshCookie: [] }],
}

/**
 * The token of the body, else that of the cookie. What came in a cookie never leaves in a body: that is
 * what HttpOnly is for.
 *
 * @returns in cookie mode an empty token if the browser has none
 * @throws {ApiError} 422 without a token, 403 where a cookie is used from an origin that we do not trust
 */
export function presentedToken(
  c: RequestContext<AppEnv & RefreshCookieMode>,
  accountType: AccountType,
  { refresh_token: given }: z.output<typeof PresentedToken>,
) {
  const { wantsCookie } = c.var
  if (given !== undefined) return { token: given, fromCookie: false, cookieMode: wantsCookie }
  const token = refreshCookie(c, accountType)
  if (token === undefined && !wantsCookie) throw missingToken()
  requireTrustedOrigin(c)
  return { token: token ?? '', fromCookie: token !== undefined, cookieMode: true }
}

const missingToken = () =>
  invalid([{ field: 'refresh_token', message: 'refresh_token is required', type: 'invalid_type' }])
