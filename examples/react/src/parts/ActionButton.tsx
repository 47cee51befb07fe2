import { useState } from 'react'
import { messageOf } from '../messages.ts'

type ActionButtonProps = {
  children: string
  /** What it acts on, for those who don't see the row it is in: `of Ada Lovelace`. */
  object?: string
  isDangerous?: boolean
  /** What to say when it is done, if the page does not show it. */
  done?: string
  act: () => Promise<unknown>
}

/** A button that sends something, and says beside itself what went wrong. */
export function ActionButton(props: ActionButtonProps) {
  const { children, object, isDangerous = false, done, act } = props
  const [isPending, setPending] = useState(false)
  const [isDone, setDone] = useState(false)
  const [problem, setProblem] = useState<string>()

  async function onClick() {
    if (isPending) return
    setPending(true)
    setDone(false)
    setProblem(undefined)
    try {
      await act()
      setDone(true)
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
      {done && (
        <span className="done" role="status">
          {isDone && done}
        </span>
      )}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  )
}
