import type { Api, TokenPair } from './api.ts'
import type { Fetch } from './send.ts'

export type ClientOptions = {
  /** Where the service is, such as `https://accounts.example.com`; a path is kept. */
  url: string
  /**
   * Where the tokens are kept: `memory` (the default) until the page is closed; `localStorage` for all
   * tabs, over a reload; `cookie` for the refresh token out of reach of scripts.
   */
  tokens?: TokenPlace | undefined
  /** Milliseconds to wait for one response: 10,000 unless set, and at most for a refresh. */
  timeout?: number | undefined
  /** Instead of the global `fetch`: a service binding, a proxy, a test. */
  fetch?: Fetch | undefined
}

export type TokenPlace = 'memory' | 'localStorage' | 'cookie'

export type CallOptions = {
  /** Ends the call, and the waits between its attempts. It rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /** Milliseconds to wait for one response. */
  timeout?: number | undefined
  /** Added to those of the client, such as `X-Bootstrap-Token`. */
  headers?: Record<string, string> | undefined
}

/** The operation takes no input: pass nothing, or `{}` before options. */
export type NoInput = Record<string, never> | undefined

/** What signing in returns. The refresh token stays in the client. */
export type AccessToken = Omit<TokenPair, 'refresh_token'>

/** Who is signed in, as the access token says. */
export type Account = {
  id: number
  role: 'user' | 'superuser' | 'admin' | 'superadmin'
}

/** One account type's session in this browser, or in this process. */
export type Session = {
  /**
   * Who is signed in, or null. Asks nobody: the service may have ended the session, which the next call
   * finds out. The same object until that changes, so that React can compare.
   */
  current(): Account | null
  /**
   * Calls the listener when `current()` changes, also by another tab.
   *
   * @returns a function that stops it
   */
  subscribe(listener: () => void): () => void
  /** An access token for a service of your own, refreshed if it is about to expire; null when signed out. */
  accessToken(options?: Pick<CallOptions, 'signal'>): Promise<string | null>
}

export type Client = Api & {
  /** The session of a user. */
  readonly user: Session
  /** The session of an admin. A client may have both. */
  readonly admin: Session
}
