import { type MouseEvent, type ReactNode, useEffect, useMemo, useSyncExternalStore } from 'react'

/** Where the browser is. A component that calls this renders again when that changes. */
export function useAddress(): URL {
  const href = useSyncExternalStore(subscribe, () => location.href)
  return useMemo(() => new URL(href), [href])
}

function subscribe(listener: () => void) {
  addEventListener('popstate', listener)
  return () => removeEventListener('popstate', listener)
}

/** Goes to a path of this application. */
export function navigate(to: string, { replace = false } = {}) {
  const isSamePage = new URL(to, location.href).pathname === location.pathname
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  dispatchEvent(new PopStateEvent('popstate'))
  if (!isSamePage) scrollTo(0, 0)
}

type LinkProps = { to: string; className?: string; children: ReactNode }

/** A link within this application: no page load, unless it is opened in a tab of its own. */
export function Link({ to, ...others }: LinkProps) {
  const { pathname } = useAddress()
  function follow(event: MouseEvent) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  const current = pathname === to ? 'page' : undefined
  return <a href={to} onClick={follow} aria-current={current} {...others} />
}

export function Redirect({ to }: { to: string }) {
  useEffect(() => navigate(to, { replace: true }), [to])
  return null
}

/** An address in this application, whatever it was given: `?next=` comes from the address bar. */
export function safeAddress(given: string | null, otherwise: string): string {
  if (given === null || !URL.canParse(given, location.origin)) return otherwise
  const { href } = new URL(given, location.origin)
  // Compared as a whole: a path may begin with `//`, and then be a host; a `blob:` has our origin.
  return href.startsWith(`${location.origin}/`) ? href : otherwise
}
