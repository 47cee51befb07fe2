const KEY = 'reset-link'

/** Some browsers forbid storage, and throw. The link is then lost with a reload. */
function storage(use) {
  try {
    return use(sessionStorage)
  } catch {
    return null
  }
}

/** Forgets the link, once it does not work any more. */
export const dropLink = () => storage((kept) => kept.removeItem(KEY))

/**
 * What the link of the email says: the token, and whether it is an admin's. It is taken out of the address
 * bar and the history, because it can set the password, and kept for this tab, so that a reload has it.
 */
export function takeLink() {
  // The fragment, which browsers send to no server. Older emails have the token in the query.
  const [fragment, query] = [location.hash.slice(1), location.search].map(
    (text) => new URLSearchParams(text),
  )
  const fields = fragment.has('token') || !query.has('token') ? fragment : query
  const link = { token: fields.get('token'), isAdmin: fields.get('account') === 'admin' }
  history.replaceState(null, '', location.pathname)
  if (link.token === null) return storage((kept) => JSON.parse(kept.getItem(KEY))) ?? link
  storage((kept) => kept.setItem(KEY, JSON.stringify(link)))
  return link
}
