import { Redirect, useAddress } from '../router.tsx'

type RedirectToSignInProps = { path: string; hasEnded: boolean }

/** Leads to a sign-in page, which leads back. It says so if a session has ended. */
export function RedirectToSignIn({ path, hasEnded }: RedirectToSignInProps) {
  const { pathname, search } = useAddress()
  const query = new URLSearchParams({ next: pathname + search })
  if (hasEnded) query.set('notice', 'ended')
  return <Redirect to={`${path}?${query}`} />
}
