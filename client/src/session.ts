import type { TokenPair } from './api.ts'
import { ApiError, notSignedIn } from './error.ts'
import { sleep, unlessAborted } from './send.ts'
import type { Kept, Tokens } from './tokens.ts'
import type { AccessToken, CallOptions, Session, TokenPlace } from './types.ts'

/** A token that expires sooner is refreshed: clocks and networks are not exact. */
const REFRESH_BEFORE_MS = 30_000

/** How long a tab looks for the tokens of another tab that has just refreshed, and how often. */
const NEWS_LOOKS = 20
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
  sendRefresh: Send<TokenPair>,
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
      const pair = await sendRefresh(kept?.refresh)
      if (isCurrent()) tokens.keep(pair)
    } catch (error) {
      if (isUnauthorized(error) && isCurrent()) tokens.drop()
      throw error
    }
    const access = tokens.read()?.access
    if (!access) throw notSignedIn()
    return access
  }

  function refresh(stale = tokens.read()?.access): Promise<string> {
    refreshing ??= inTurn((hasWaited) => refreshInTurn(stale, hasWaited)).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  /** Refreshed if need be, or the old one while it is valid and the service is down. */
  async function validToken(): Promise<string | null> {
    const kept = tokens.read()
    if (!kept || isUsable(kept, REFRESH_BEFORE_MS)) return kept?.access ?? null
    try {
      return await refresh()
    } catch (error) {
      const old = tokens.read()
      if (!isUnauthorized(error) && isUsable(old, 0)) return old.access
      throw error
    }
  }

  const accessToken = ({ signal }: Pick<CallOptions, 'signal'> = {}) =>
    unlessAborted(validToken(), signal)
  const current = () => tokens.read()?.account ?? null
  const session: Session = { current, subscribe: tokens.subscribe, accessToken }

  return {
    session,
    accessToken,
    refresh,
    drop: tokens.drop,
    async refreshNow(): Promise<AccessToken> {
      const access_token = await refresh()
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
    /** Not in turn: it must not wait for a refresh, whose tokens are no longer wanted. */
    async logout(send: Send<unknown>) {
      const kept = tokens.read()
      if (!inCookie) tokens.drop()
      if (kept || inCookie) await send(kept?.refresh)
      if (inCookie) tokens.drop()
    },
  }
}

const isUnauthorized = (error: unknown) => error instanceof ApiError && error.status === 401

type InTurn = <Result>(act: (hasWaited: boolean) => Promise<Result>) => Promise<Result>

function withinClient(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const next = last.then(
      () => act(false),
      () => act(false),
    )
    last = next
    return next
  }
}

/** Web Locks. A lock that is not available at once is held by another call or tab. */
const amongTabs =
  (name: string): InTurn =>
  async (act) => {
    const { locks } = navigator
    const first = await locks.request(name, { ifAvailable: true }, async (lock) =>
      lock ? { result: await act(false) } : undefined,
    )
    return first ? first.result : locks.request(name, () => act(true))
  }
