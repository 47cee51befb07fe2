import type { ReactNode } from 'react'

type NoticeProps = { kind: 'good' | 'bad' | 'neutral'; children: ReactNode }

/** Something that concerns the whole page or form. A bad one interrupts a screen reader. */
export function Notice({ kind, children }: NoticeProps) {
  return (
    <div className={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  )
}
