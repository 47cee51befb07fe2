import { generateCookie } from 'hono/cookie'
import { createMiddleware } from 'hono/factory'
import { parse } from 'hono/utils/cookie'
import * as z from 'zod/mini'
import type { AppEnv, RequestContext } from '../context.ts'
import type { AccountType } from '../db/accounts.ts'
import { validationFailed } from '../errors.ts'
import { documented } from '../openapi.ts'
import { readRefreshToken } from '../tokens/refresh.ts'
import { requireTrustedOrigin, untrustedOrigin } from './cross-origin.ts'
import { invalidBy } from './validate.ts'

/** Behind {@link refreshCookieMode}: whether the caller asks for the refresh token in a cookie. */
export type RefreshCookieMode = { Variables: { wantsCookie: boolean } }

/** Each account type has its own, so that neither is read in place of the other. */
const NAMES = { user: 'refresh_users', admin: 'refresh_admins' } as const

const RequestHeaders = z.object({
  'X-Refresh-Token': z.optional(z.literal('cookie')).check(
    z.meta({
      description:
        'Keeps the refresh token from scripts: the response sets it as an HttpOnly cookie, and its body has none. Needs an `Origin` that is listed in CORS_ORIGINS, or of the service itself',
    }),
  ),
})

/** For the OpenAPI document: the header of a response that sets the cookie or clears it. */
export const SetCookie = z.object({
  'Set-Cookie': z
    .optional(z.string())
    .check(
      z.meta({ description: 'In cookie mode: `__Host-refresh_users` or `__Host-refresh_admins`' }),
    ),
})

/**
 * Reads `X-Refresh-Token: cookie`. Only an origin that we trust may have the cookie set: another could sign
 * somebody in to an account of its own (login CSRF).
 */
export const refreshCookieMode = documented(
  { headers: RequestHeaders, errors: [untrustedOrigin, validationFailed] },
  createMiddleware<AppEnv & RefreshCookieMode>(async function refreshCookieMode(c, next) {
    const header = { 'X-Refresh-Token': c.req.header('X-Refresh-Token') }
    const parsed = RequestHeaders.safeParse(header)
    // Else a caller that means `cookie` and writes `Cookie` would get the token in the body.
    if (!parsed.success) throw invalidBy(parsed.error, 'X-Refresh-Token')
    const wantsCookie = parsed.data['X-Refresh-Token'] === 'cookie'
    if (wantsCookie) requireTrustedOrigin(c)
    c.set('wantsCookie', wantsCookie)
    await next()
  }),
)

/** The refresh token that the browser holds. */
export function refreshCookie(c: RequestContext, accountType: AccountType): string | undefined {
  const name = `__Host-${NAMES[accountType]}`
  return parse(c.req.header('Cookie') ?? '', name)[name]
}

/** The session of the token that the browser holds, if that is genuine. */
export const cookieSessionId = (c: RequestContext, accountType: AccountType) =>
  readRefreshToken(c.var.keys, accountType, refreshCookie(c, accountType) ?? '')?.sessionId

/**
 * The two forms of the cookie, by `COOKIE_SAME_SITE`. A partitioned one does not replace one that is not, so
 * a browser may hold both after the variable has changed.
 */
const FORMS = {
  none: { sameSite: 'None', partitioned: true },
  strict: { sameSite: 'Strict' },
} as const

type Form = keyof typeof FORMS

function writeCookie(
  c: RequestContext,
  accountType: AccountType,
  { form, value, maxAge }: { form: Form; value: string; maxAge: number },
) {
  const cookie = generateCookie(NAMES[accountType], value, {
    prefix: 'host',
    path: '/',
    secure: true,
    httpOnly: true,
    maxAge,
    ...FORMS[form],
  })
  c.header('Set-Cookie', cookie, { append: true })
}

/** @param maxAge seconds until the token expires */
export function setRefreshCookie(
  c: RequestContext,
  accountType: AccountType,
  { token, maxAge }: { token: string; maxAge: number },
) {
  const { cookieSameSite: form } = c.var.config
  if (refreshCookie(c, accountType)) {
    // First, as a browser that knows no partitions has one cookie for both.
    const other = form === 'none' ? 'strict' : 'none'
    writeCookie(c, accountType, { form: other, value: '', maxAge: 0 })
  }
  writeCookie(c, accountType, { form, value: token, maxAge })
}

/** Only for a token that is dead for good: never because a dependency is down. */
export function clearRefreshCookie(c: RequestContext, accountType: AccountType) {
  for (const form of ['none', 'strict'] as const) {
    writeCookie(c, accountType, { form, value: '', maxAge: 0 })
  }
}

/** When a session ends by another call than logout: clears the cookie if it is of that session. */
export function clearRefreshCookieOf(
  c: RequestContext,
  accountType: AccountType,
  sessionId: string,
) {
  if (cookieSessionId(c, accountType) === sessionId) clearRefreshCookie(c, accountType)
}
