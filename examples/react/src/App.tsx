import type { ReactNode } from 'react'
import { AdminSignIn } from './pages/admin/SignIn.tsx'
import { Users } from './pages/admin/Users.tsx'
import { ChangePassword } from './pages/ChangePassword.tsx'
import { DeleteAccount } from './pages/DeleteAccount.tsx'
import { ForgotPassword } from './pages/ForgotPassword.tsx'
import { NotFound } from './pages/NotFound.tsx'
import { Profile } from './pages/Profile.tsx'
import { Register } from './pages/Register.tsx'
import { ResetPassword } from './pages/ResetPassword.tsx'
import { Sessions } from './pages/Sessions.tsx'
import { SignIn } from './pages/SignIn.tsx'
import { AccountArea } from './parts/AccountArea.tsx'
import { AdminArea } from './parts/AdminArea.tsx'
import { OfflineNotice } from './parts/OfflineNotice.tsx'
import { Redirect, useAddress } from './router.tsx'

/** Which page is where. The pages within an area are for those who are signed in. */
const PAGES: Record<string, ReactNode> = {
  '/': <Redirect to="/profile" />,
  '/register': <Register />,
  '/sign-in': <SignIn />,
  '/forgot-password': <ForgotPassword />,
  '/reset-password': <ResetPassword />,
  '/profile': <AccountArea page={<Profile />} />,
  '/password': <AccountArea page={<ChangePassword />} />,
  '/sessions': <AccountArea page={<Sessions />} />,
  '/delete-account': <AccountArea page={<DeleteAccount />} />,
  '/admin': <Redirect to="/admin/users" />,
  '/admin/sign-in': <AdminSignIn />,
  '/admin/users': <AdminArea page={<Users />} />,
}

export function App() {
  const { pathname } = useAddress()
  return (
    <>
      <OfflineNotice />
      {PAGES[pathname] ?? <NotFound />}
    </>
  )
}
