import { createClient } from 'edge-accounts-client'
import { useSyncExternalStore } from 'react'

/** The one client of this page: it keeps the tokens and refreshes them. */
export const accounts = createClient({
  url: import.meta.env.VITE_ACCOUNTS_URL,
  // Or 'localStorage', if the service is on another site: README.md, "Where the tokens are kept".
  tokens: 'cookie',
})

/** PASSWORD_MIN_LENGTH of the service, to say it before it is wrong. The service checks it. */
export const PASSWORD_MIN_LENGTH = 8

/** The user who is signed in, or null. Changes in another tab arrive here too. */
export const useUser = () => useSyncExternalStore(accounts.user.subscribe, accounts.user.current)

/** The admin who is signed in, or null. */
export const useAdmin = () => useSyncExternalStore(accounts.admin.subscribe, accounts.admin.current)
