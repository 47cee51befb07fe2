import type { TokenPair } from './api.ts'
import type { Account, TokenPlace } from './types.ts'

/** A token pair and whose it is. Without a refresh token in cookie mode, and there without an access token after a reload. */
export type Kept = {
  account: Account
  access?: string
  /** Milliseconds since the epoch. */
  expires?: number
  refresh?: string | undefined
}

export type Tokens = ReturnType<typeof keepTokens>

/**
 * Keeps the tokens of one account type. What is shared with other tabs is read anew each time: they may
 * have refreshed, signed out, or signed in as somebody else.
 *
 * @param name of the entry in `localStorage` and of the channel, one for each service and account type
 */
export function keepTokens(name: string, place: TokenPlace) {
  let shared = place === 'memory' ? undefined : browserStorage(name)
  let text = shared?.getItem(name) ?? null
  let kept = parse(text)
  let told = kept?.account
  const listeners = new Set<() => void>()

  function tell() {
    if (told === read()?.account) return
    told = kept?.account
    for (const listener of listeners) listener()
  }

  function read(): Kept | null {
    const stored = shared ? shared.getItem(name) : text
    if (stored !== text) {
      text = stored
      kept = continued(parse(text))
    }
    return kept
  }

  /** The same account is the same object. In cookie mode its access token stays, as only memory has it. */
  function continued(next: Kept | null): Kept | null {
    const { id, role } = kept?.account ?? {}
    if (!next || !kept || next.account.id !== id || next.account.role !== role) return next
    return { ...kept, ...next, account: kept.account }
  }

  function write(next: Kept | null) {
    read()
    kept = continued(next)
    text = kept && JSON.stringify(place === 'cookie' ? { account: kept.account } : kept)
    try {
      if (text === null) shared?.removeItem(name)
      else shared?.setItem(name, text)
    } catch {
      // Full. A token that has been replaced must not stay there: another tab would use it.
      shared?.removeItem(name)
      shared = undefined
    }
    tell()
  }

  let channel: BroadcastChannel | undefined
  if (shared) {
    // A page that comes back from the history has missed the events.
    for (const event of ['storage', 'pageshow']) globalThis.addEventListener?.(event, tell)
    if (place === 'cookie') {
      channel = new BroadcastChannel(name)
      channel.onmessage = ({ data }: MessageEvent<Kept>) => {
        if (read()?.account.id === data.account.id) kept = continued(data)
      }
    }
  }

  return {
    /** Whether other tabs have the same tokens. */
    isShared: Boolean(shared),
    read,
    keep({ access_token, expires_in, refresh_token }: TokenPair) {
      const next = {
        account: accountOf(access_token),
        access: access_token,
        expires: Date.now() + expires_in * 1000,
        refresh: refresh_token,
      }
      write(next)
      channel?.postMessage(next)
    },
    drop: () => write(null),
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}

/** `localStorage`, where there is one and it is allowed. */
function browserStorage(name: string): Storage | undefined {
  try {
    globalThis.localStorage.getItem(name)
    return globalThis.localStorage
  } catch {
    return undefined
  }
}

/** Another program may have written to the entry. */
function parse(text: string | null): Kept | null {
  try {
    const kept = text && JSON.parse(text)
    return kept?.account ? kept : null
  } catch {
    return null
  }
}

/** The claims of an access token, which the service has checked. */
function accountOf(token: string): Account {
  const [, claims = ''] = token.split('.')
  const { id, role } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/')))
  return { id, role }
}
