/** Of this tab: a reload keeps it, another tab does not see it. */
const KEY = 'reset-token'

/**
 * Takes the token of a reset link, `/reset-password?token=…`, out of the address bar: it must not stay in
 * the history, in a screenshot or in a copied address. Called before anything is rendered.
 */
export function takeResetToken() {
  const { pathname, searchParams } = new URL(location.href)
  const token = searchParams.get('token')
  if (pathname !== '/reset-password' || token === null) return
  sessionStorage.setItem(KEY, token)
  history.replaceState(null, '', pathname)
}

export const readResetToken = () => sessionStorage.getItem(KEY)

export const forgetResetToken = () => sessionStorage.removeItem(KEY)
