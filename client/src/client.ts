import { API_BASE, type Api, OPERATIONS, type TokenPair } from './api.ts'
import { isUnauthorized } from './error.ts'
import { fill, type Input, type Operation, operationOf } from './request.ts'
import { type Fetch, send, unlessAborted } from './send.ts'
import { keepSession } from './session.ts'
import { keepTokens } from './tokens.ts'
import type { CallOptions, Client, ClientOptions } from './types.ts'

/**
 * Three attempts of a refresh fit into the 30 seconds in which the service gives the same successor to the
 * same token: a longer `timeout` is not for refreshes, whose late repetition would end the session.
 */
const TIMEOUT_MS = 10_000

/** The 401 that is about a password in the body: a fresh access token would not help. */
const WRONG_PASSWORD = 'Current password is incorrect'

/** A client of the service at `url`. It sends nothing until it is called. */
export function createClient(options: ClientOptions): Client {
  const { tokens = 'memory', timeout = TIMEOUT_MS } = options
  const base = options.url.replace(/\/+$/, '')
  const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))

  function sendTo<Body>(
    operation: Operation,
    input: Input,
    options: CallOptions & { token?: string | null; isWanted?: () => boolean },
  ): Promise<Body> {
    const { method, does } = operation
    const { token, isWanted, signal } = options
    const { target, body } = fill(operation, input)
    const sendsCookie = tokens === 'cookie' && ['login', 'refresh', 'logout', 'ends'].some(does)
    return send<Body>({
      url: base + API_BASE + target,
      init: {
        method,
        headers: {
          ...(body && { 'Content-Type': 'application/json' }),
          ...(token && { Authorization: `Bearer ${token}` }),
          ...(sendsCookie && { 'X-Refresh-Token': 'cookie' }),
          ...options.headers,
        },
        ...(body && { body }),
        // Not `omit` otherwise: workerd rejects the property, whatever its value.
        ...(sendsCookie && { credentials: 'include' }),
      },
      isRepeatable: method === 'GET' || does('refresh'),
      isWanted,
      signal,
      timeout: options.timeout ?? timeout,
      fetch,
    })
  }

  function sessionOf(accountType: string, row: string) {
    const name = `edge-accounts ${tokens} ${base} ${accountType}`
    const refresh = operationOf(row)
    return keepSession(name, tokens, keepTokens(name, tokens), (refresh_token, isWanted) =>
      sendTo<TokenPair>(
        refresh,
        { refresh_token },
        { timeout: Math.min(timeout, TIMEOUT_MS), isWanted },
      ),
    )
  }

  const sessions = {
    user: sessionOf('user', OPERATIONS.refreshUserTokens),
    admin: sessionOf('admin', OPERATIONS.refreshAdminTokens),
  }

  async function call(operation: Operation, input: Input = {}, options: CallOptions = {}) {
    const { accountType, does } = operation
    const { signal } = options
    const session = sessions[accountType]
    if (does('refresh')) return unlessAborted(session.refreshNow(), signal)
    if (does('login')) {
      const login = session.login(() => sendTo<TokenPair>(operation, input, options))
      return unlessAborted(login, signal)
    }
    if (does('logout')) {
      const logout = session.logout((refresh_token) =>
        sendTo(operation, { refresh_token }, options),
      )
      return unlessAborted(logout, signal)
    }
    if (!does('bearer')) return sendTo(operation, input, options)

    const account = session.current()
    const token = await session.accessToken(options)
    const result = await sendTo(operation, input, { ...options, token }).catch(async (error) => {
      const isRejected = isUnauthorized(error) && error.message !== WRONG_PASSWORD
      if (!token || !account || !isRejected) throw error
      const fresh = await unlessAborted(session.refresh(account, token), signal)
      return sendTo(operation, input, { ...options, token: fresh })
    })
    if (does('ends') && session.current()?.id === account?.id) session.drop()
    return result
  }

  const methods = Object.entries(OPERATIONS).map(([name, row]): readonly unknown[] => {
    const operation = operationOf(row)
    return [name, (input?: Input, options?: CallOptions) => call(operation, input, options)]
  })
  // The types of `Api` and the rows of `OPERATIONS` are generated together.
  const api: Api = Object.fromEntries(methods)
  return { ...api, user: sessions.user.session, admin: sessions.admin.session }
}
