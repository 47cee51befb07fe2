import type { ReactNode } from 'react'
import { Link, navigate } from '../router.tsx'
import { ActionButton } from './ActionButton.tsx'
import { Avatar } from './Avatar.tsx'
import { Brand } from './Card.tsx'

type ShellProps = {
  /** The pages of this area, by their path. */
  pages: Record<string, string>
  /** Beside the name of the application. */
  badge?: string
  /** Of whom is signed in. */
  name: string
  logOut: () => Promise<unknown>
  signInPath: string
  children: ReactNode
}

/** What is around every page for those who are signed in. */
export function Shell({ pages, badge, name, logOut, signInPath, children }: ShellProps) {
  const [home = '/'] = Object.keys(pages)
  return (
    <>
      <header className="bar">
        <Brand to={home} />
        {badge && <span className="badge">{badge}</span>}
        <span className="name">{name}</span>
        <Avatar name={name} />
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
