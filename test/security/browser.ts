/** A browser as far as cookies go: it keeps what responses set, and sends it with every request. */
import { expect } from 'vitest'
import type { Bindings } from '../../src/context.ts'
import type { ACCOUNT_TYPES } from '../routes/account/account-types.ts'
import { PASSWORD } from '../setup/accounts.ts'
import { type ApiResponse, environment, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { TOKEN_PAIR } from '../setup/shapes.ts'

export const REJECTED = 'Invalid or expired refresh token'

/** The body of a token pair in cookie mode. */
const { refresh_token: _, ...withoutRefreshToken } = TOKEN_PAIR
export const WITHOUT_REFRESH_TOKEN = withoutRefreshToken

export const LISTED = 'https://app.example.com'

type Call = { origin?: string | null; mode?: boolean; cookie?: string; token?: string }

type BrowserOptions = { type?: 'users' | 'admins'; env?: Bindings }

export function browser({ type = 'users', env }: BrowserOptions = {}) {
  const name = `__Host-refresh_${type}`
  const client = visitor(env && { env })
  let held: string | undefined

  /** Sends a request from a page of this origin; `null` for none. */
  async function call(
    method: string,
    path: string,
    body: object | undefined,
    { origin = LISTED, mode = true, cookie = held && `${name}=${held}`, token }: Call = {},
  ) {
    const response = await client.call(method, `/api/${type}/${path}`, body, {
      headers: {
        ...(origin !== null && { Origin: origin }),
        ...(mode && { 'X-Refresh-Token': 'cookie' }),
        ...(cookie && { Cookie: cookie }),
      },
      ...(token && { token }),
    })
    for (const { value } of cookiesOf(response)) held = value || undefined
    return response
  }

  return {
    name,
    client,
    call,
    post: (path: string, body: object = {}, options?: Call) => call('POST', path, body, options),
    /** The refresh token in the cookie. */
    held: () => held,
    hold: (token: string | undefined) => {
      held = token
    },
  }
}

/** The cookies that a response sets, each with its attributes in order. */
export const cookiesOf = ({ headers }: ApiResponse) =>
  headers.getSetCookie().map((line) => {
    const [pair = '', ...attributes] = line.split('; ')
    const [name = '', value = ''] = pair.split('=')
    return { name, value, attributes }
  })

/** The response says nothing of cookies. */
export const expectUntouched = (response: ApiResponse) => expect(cookiesOf(response)).toEqual([])

/** The browser holds no such cookie any more, in either of its forms. */
export function expectCleared(response: ApiResponse, name: string) {
  expect(response.headers.getSetCookie()).toEqual([
    `${name}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=None; Partitioned`,
    `${name}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Strict`,
  ])
}

type Accounts = (typeof ACCOUNT_TYPES)[number]

/** A browser that is logged in, to an account that has another session. */
export async function loggedIn({ type, create }: Accounts, env = environment()) {
  const { username, id } = await create()
  const page = browser({ type, env })
  const response = await page.post('login', { username, password: PASSWORD })
  expect(response.status).toBe(200)
  return { page, username, id, response, token: String(response.body.access_token) }
}

export async function openSessions({ kind }: Accounts, id: number) {
  const [row] = await sql<{ count: number }>(
    `select count(*)::int as count from ${kind}_sessions where account_id = $1 and revoked_at is null`,
    [id],
  )
  return row?.count
}
