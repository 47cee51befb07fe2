import type { UserRead } from 'edge-accounts-client'
import { createContext, type ReactNode, useContext, useState } from 'react'
import { accounts, useUser } from '../accounts.ts'
import { useLoad } from '../load.ts'
import { RedirectToSignIn } from './RedirectToSignIn.tsx'
import { Shell } from './Shell.tsx'
import { WhenLoaded } from './WhenLoaded.tsx'

const PAGES = {
  '/profile': 'Profile',
  '/password': 'Password',
  '/sessions': 'Sessions',
  '/delete-account': 'Delete account',
}

type Me = {
  me: UserRead
  /** Shows what a call has returned. */
  setMe: (me: UserRead) => void
}

const MeContext = createContext<Me | null>(null)

/** The account that is signed in, for the pages in this area. */
export function useMe(): Me {
  const me = useContext(MeContext)
  if (!me) throw new Error('useMe is called outside AccountArea')
  return me
}

/** Shows a page to the user who is signed in, and the sign-in page to others. */
export function AccountArea({ page }: { page: ReactNode }) {
  const user = useUser()
  const [wasSignedIn] = useState(user !== null)
  if (!user) return <RedirectToSignIn path="/sign-in" hasEnded={wasSignedIn} />
  return <Account key={user.id} page={page} />
}

const load = (signal: AbortSignal) => accounts.getCurrentUser({}, { signal })

function Account({ page }: { page: ReactNode }) {
  const loaded = useLoad(load)
  const [changed, setMe] = useState<UserRead>()
  const me = changed ?? loaded.data
  return (
    <Shell
      pages={PAGES}
      name={me ? (me.full_name ?? me.username) : ''}
      logOut={() => accounts.logoutUser()}
      signInPath="/sign-in"
    >
      <WhenLoaded loaded={loaded}>
        {(data) => <MeContext value={{ me: me ?? data, setMe }}>{page}</MeContext>}
      </WhenLoaded>
    </Shell>
  )
}
