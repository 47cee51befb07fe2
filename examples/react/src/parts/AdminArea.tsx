import { type ReactNode, useState } from 'react'
import { accounts, useAdmin } from '../accounts.ts'
import { useLoad } from '../load.ts'
import { RedirectToSignIn } from './RedirectToSignIn.tsx'
import { Shell } from './Shell.tsx'

const PAGES = { '/admin/users': 'Users' }

/** Shows a page to the admin who is signed in, and the admin's sign-in page to others. */
export function AdminArea({ page }: { page: ReactNode }) {
  const admin = useAdmin()
  const [wasSignedIn] = useState(admin !== null)
  if (!admin) return <RedirectToSignIn path="/admin/sign-in" hasEnded={wasSignedIn} />
  return <Admin key={admin.id} page={page} />
}

const load = (signal: AbortSignal) => accounts.getCurrentAdmin({}, { signal })

function Admin({ page }: { page: ReactNode }) {
  const { data } = useLoad(load)
  return (
    <Shell
      pages={PAGES}
      badge="Admin"
      name={data ? (data.full_name ?? data.username) : ''}
      logOut={() => accounts.logoutAdmin()}
      signInPath="/admin/sign-in"
    >
      {page}
    </Shell>
  )
}
