import type { ReactNode } from 'react'
import { Link, navigate } from '../router.tsx'
import { ActionButton } from './ActionButton.tsx'
import { Brand } from './Card.tsx'

type ShellProps = {
  /** The pages of this area, by their path. */
  pages: Record<string, string>
  /** Of whom is signed in. */
  name: string
  logOut: () => Promise<unknown>
  signInPath: string
  children: ReactNode
}

/** What is around every page for those who are signed in. */
export function Shell({ pages, name, logOut, signInPath, children }: ShellProps) {
  const [home = '/'] = Object.keys(pages)
  return (
    <>
      <header className="bar">
        <Brand to={home} />
        <span className="name">{name}</span>
        <ActionButton
          act={async () => {
            await logOut()
            navigate(signInPath, { replace: true })
          }}
        >
          Log out
        </ActionButton>
      </header>
      <div className="area">
        <nav aria-label="Pages">
          {Object.entries(pages).map(([path, title]) => (
            <Link key={path} to={path}>
              {title}
            </Link>
          ))}
        </nav>
        <main>{children}</main>
      </div>
    </>
  )
}
