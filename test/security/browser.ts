/** A browser as far as cookies go: it keeps what responses set, and sends it with every request. */
import { expect } from 'vitest'
import type { Bindings } from '../../src/context.ts'
import { type ApiResponse, visitor } from '../setup/api.ts'

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

/** The browser holds no such cookie any more, in either of its forms. */
export function expectCleared(response: ApiResponse, name: string) {
  expect(response.headers.getSetCookie()).toEqual([
    `${name}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=None; Partitioned`,
    `${name}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Strict`,
  ])
}
