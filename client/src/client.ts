import { type Api, OPERATIONS, type TokenPair } from './api.ts'
import { ApiError, notSignedIn } from './error.ts'
import { fill, type Input, type Operation, operationOf } from './request.ts'
import { type Fetch, send, unlessAborted } from './send.ts'
import { keepSession } from './session.ts'
import { keepTokens } from './tokens.ts'
import type { CallOptions, Client, ClientOptions } from './types.ts'

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
    options: CallOptions,
    token?: string | null,
  ): Promise<Body> {
    const { method, does } = operation
    const { target, body } = fill(operation, input)
    const sendsCookie = tokens === 'cookie' && ['login', 'refresh', 'logout', 'ends'].some(does)
    return send<Body>({
      url: base + target,
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
      signal: options.signal,
      timeout: options.timeout ?? timeout,
      fetch,
    })
  }

  function sessionOf(accountType: string, row: string) {
    const name = `edge-accounts ${tokens} ${base} ${accountType}`
    const refresh = operationOf(row)
    return keepSession(name, tokens, keepTokens(name, tokens), (refresh_token) =>
      sendTo<TokenPair>(refresh, { refresh_token }, {}),
    )
  }

  const sessions = {
    user: sessionOf('user', OPERATIONS.refreshUserTokens),
    admin: sessionOf('admin', OPERATIONS.refreshAdminTokens),
  }

  async function call(operation: Operation, input: Input = {}, options: CallOptions = {}) {
    const { accountType, does } = operation
    const session = sessions[accountType]
    if (does('refresh')) return unlessAborted(session.refreshNow(), options.signal)
    if (does('login')) return session.login(() => sendTo<TokenPair>(operation, input, options))
    if (does('logout')) {
      return session.logout((refresh_token) => sendTo(operation, { refresh_token }, options))
    }
    if (!does('bearer')) return sendTo(operation, input, options)

    const { current } = session.session
    const callerId = current()?.id
    /** A call that began as one account never goes on as another, which has signed in meanwhile. */
    const ofCaller = (token: string | null) => {
      if (current()?.id !== callerId) throw notSignedIn()
      return token
    }
    const token = ofCaller(await session.accessToken(options))
    const result = await sendTo(operation, input, options, token).catch(async (error) => {
      const isRejected = error instanceof ApiError && error.status === 401
      if (!token || !isRejected || error.message === WRONG_PASSWORD) throw error
      const fresh = ofCaller(await unlessAborted(session.refresh(token), options.signal))
      return sendTo(operation, input, options, fresh)
    })
    if (does('ends')) session.drop()
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
