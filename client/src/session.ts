import type { TokenPair } from './api.ts'
import { isUnauthorized, notSignedIn } from './error.ts'
import { sleep, unlessAborted } from './send.ts'
import type { Kept, Tokens } from './tokens.ts'
import { amongTabs, withinClient } from './turns.ts'
import type { AccessToken, Account, CallOptions, Session, TokenPlace } from './types.ts'

/** A token that expires sooner is refreshed: clocks and networks are not exact. */
const REFRESH_BEFORE_MS = 30_000

/**
 * How often a tab looks for the tokens of another tab that has just refreshed. Fewer than five: browsers
 * delay the fifth timer in a row of a tab in the background by up to a minute, and the others wait.
 */
const NEWS_LOOKS = 4
const NEWS_INTERVAL_MS = 50

type Send<Result> = (refreshToken: string | undefined) => Promise<Result>

/**
 * Signs in and out, and refreshes: one at a time within this client, and among tabs that share tokens.
 *
 * @param name of the lock that tabs share
 * @param sendRefresh the call that returns the next token pair
 */
export function keepSession(
  name: string,
  place: TokenPlace,
  tokens: Tokens,
  sendRefresh: (refreshToken: string | undefined, isWanted: () => boolean) => Promise<TokenPair>,
) {
  const inCookie = place === 'cookie'
  const inTurn = tokens.isShared && globalThis.navigator?.locks ? amongTabs(name) : withinClient()
  let refreshing: Promise<string> | undefined

  const isUsable = (kept: Kept | null, margin: number): kept is Kept & { access: string } =>
    Boolean(kept?.access && (kept.expires ?? 0) - margin > Date.now())

  /** @param stale the access token that has to be replaced, if there is one */
  async function refreshInTurn(stale: string | undefined, hasWaited: boolean): Promise<string> {
    let kept = tokens.read()
    // The tokens of the tab that we waited for take a moment to arrive, if it got any.
    for (let look = hasWaited ? NEWS_LOOKS : 0; ; look--) {
      if (isUsable(kept, REFRESH_BEFORE_MS) && kept.access !== stale) return kept.access
      if (!kept && !inCookie) throw notSignedIn()
      if (look === 0) break
      await sleep(NEWS_INTERVAL_MS)
      kept = tokens.read()
    }
    const isCurrent = () => {
      const now = tokens.read()
      return now?.refresh === kept?.refresh && now?.account === kept?.account
    }
    try {
      const pair = await sendRefresh(kept?.refresh, isCurrent)
      if (isCurrent()) tokens.keep(pair)
    } catch (error) {
      // Nothing follows for the tokens that have taken their place meanwhile.
      if (isCurrent()) {
        if (isUnauthorized(error)) tokens.drop()
        throw error
      }
    }
    const access = tokens.read()?.access
    if (!access) throw notSignedIn()
    return access
  }

  function refreshOnce(stale = tokens.read()?.access): Promise<string> {
    refreshing ??= inTurn((hasWaited) => refreshInTurn(stale, hasWaited)).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  /** A token of this account, never that of another that signs in meanwhile. */
  async function refresh(account: Account, stale?: string): Promise<string> {
    const isSignedIn = () => tokens.read()?.account.id === account.id
    const access = isSignedIn() && (await refreshOnce(stale))
    if (!access || !isSignedIn()) throw notSignedIn()
    return access
  }

  /** Refreshed if need be, or the old one while it is valid and the service is down. */
  async function validToken(): Promise<string | null> {
    const kept = tokens.read()
    if (!kept || isUsable(kept, REFRESH_BEFORE_MS)) return kept?.access ?? null
    try {
      return await refresh(kept.account)
    } catch (error) {
      if (!isUnauthorized(error) && isUsable(kept, 0)) return kept.access
      throw error
    }
  }

  const accessToken = ({ signal }: Pick<CallOptions, 'signal'> = {}) =>
    unlessAborted(validToken(), signal)
  const current = () => tokens.read()?.account ?? null
  const session: Session = { current, subscribe: tokens.subscribe, accessToken }

  return {
    session,
    current,
    accessToken,
    refresh,
    drop: tokens.drop,
    async refreshNow(): Promise<AccessToken> {
      const access_token = await refreshOnce()
      const { expires = 0 } = tokens.read() ?? {}
      const expires_in = Math.round((expires - Date.now()) / 1000)
      return { access_token, token_type: 'bearer', expires_in }
    },
    login: (send: () => Promise<TokenPair>): Promise<AccessToken> =>
      inTurn(async () => {
        const pair = await send()
        tokens.keep(pair)
        const { refresh_token, ...accessToken } = pair
        return accessToken
      }),
    async logout(send: Send<unknown>) {
      // In turn: a response that sets or clears the cookie must not come after that of a later call.
      if (inCookie) return inTurn(() => send(undefined).then(tokens.drop))
      const kept = tokens.read()
      tokens.drop()
      if (kept) await send(kept.refresh)
    },
  }
}
