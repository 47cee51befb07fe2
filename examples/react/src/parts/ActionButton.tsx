import { useState } from 'react'
import { messageOf } from '../messages.ts'

type ActionButtonProps = {
  children: string
  /** What it acts on, for those who don't see the row it is in: `of Ada Lovelace`. */
  object?: string
  isDangerous?: boolean
  act: () => Promise<unknown>
}

/** A button that sends something, and says beside itself what went wrong. */
export function ActionButton({ children, object, isDangerous = false, act }: ActionButtonProps) {
  const [isPending, setPending] = useState(false)
  const [problem, setProblem] = useState<string>()

  async function onClick() {
    if (isPending) return
    setPending(true)
    setProblem(undefined)
    try {
      await act()
    } catch (error) {
      setProblem(messageOf(error))
    } finally {
      setPending(false)
    }
  }

  return (
    <>
      <button
        type="button"
        className={isDangerous ? 'secondary dangerous' : 'secondary'}
        disabled={isPending}
        onClick={onClick}
      >
        {children}
        {object && <span className="unseen"> {object}</span>}
      </button>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  )
}
