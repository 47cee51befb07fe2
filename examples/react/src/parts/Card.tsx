import type { ReactNode } from 'react'
import { Link } from '../router.tsx'
import { APP_NAME, Title } from './Title.tsx'

type CardProps = { title: string; lead?: ReactNode; footer?: ReactNode; children?: ReactNode }

/** A page for those who are not signed in: one card, and where else to go below it. */
export function Card({ title, lead, footer, children }: CardProps) {
  return (
    <main className="guest">
      <Brand to="/" />
      <section className="card">
        <Title>{title}</Title>
        {lead && <p className="lead">{lead}</p>}
        {children}
      </section>
      {footer && <p className="footer">{footer}</p>}
    </main>
  )
}

export function Brand({ to }: { to: string }) {
  return (
    <Link to={to} className="brand">
      <img src="/favicon.svg" alt="" width="28" height="28" />
      {APP_NAME}
    </Link>
  )
}
