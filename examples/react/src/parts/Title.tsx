import { useEffect, useRef } from 'react'

export const APP_NAME = 'Acme'

/**
 * The heading of a page and its title in the browser. Takes the focus when it changes, so that a screen
 * reader says where one is, but not when the application has just been loaded.
 */
export function Title({ children }: { children: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const before = document.title
    document.title = `${children} · ${APP_NAME}`
    if (before !== document.title && before !== APP_NAME) heading.current?.focus()
  }, [children])
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  )
}
