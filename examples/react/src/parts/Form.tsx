import { ApiError } from 'edge-accounts-client'
import {
  createContext,
  type ReactNode,
  type SubmitEvent,
  useContext,
  useRef,
  useState,
} from 'react'
import { flushSync } from 'react-dom'
import { messageOf, type Problems, problemsOf, problemsOfInputs } from '../messages.ts'
import { Notice } from './Notice.tsx'

const ProblemsOfForm = createContext<Problems>({})

/** What is wrong with the field of this name, in the form around it. */
export const useProblem = (name: string) => useContext(ProblemsOfForm)[name]

type FormProps = {
  /** What the button says. */
  button: string
  isDangerous?: boolean
  /** Sends the values, by the names of the fields. Resolves to what to say when it is done. */
  submit: (values: Record<string, string>) => Promise<string | undefined>
  /** What an error means in this form. Undefined: what it means everywhere. */
  explain?: (error: ApiError) => Problems | undefined
  children: ReactNode
}

/** A form that says beside each field what is wrong: first what the browser finds, then the service. */
export function Form({ button, isDangerous = false, submit, explain, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null)
  const [problems, setProblems] = useState<Problems>({})
  const [done, setDone] = useState<string>()
  const [isPending, setPending] = useState(false)

  function show(found: Problems) {
    flushSync(() => setProblems(found))
    form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }

  async function onSubmit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const { currentTarget } = event
    if (isPending) return
    setDone(undefined)
    const found = problemsOfInputs(currentTarget)
    show(found)
    if (Object.keys(found).length > 0) return
    setPending(true)
    try {
      const values = [...new FormData(currentTarget)].map(([name, value]) => [name, String(value)])
      setDone(await submit(Object.fromEntries(values)))
    } catch (error) {
      const explained = error instanceof ApiError ? explain?.(error) : undefined
      const found = explained ?? problemsOf(error)
      const hasInput = Object.keys(found).some((name) => currentTarget.elements.namedItem(name))
      show(hasInput ? found : { '': found[''] ?? messageOf(error) })
    } finally {
      setPending(false)
    }
  }

  function onInput({ target }: { target: EventTarget }) {
    setDone(undefined)
    if (target instanceof HTMLInputElement) setProblems({ ...problems, [target.name]: '' })
  }

  return (
    <ProblemsOfForm value={problems}>
      <form ref={form} onSubmit={onSubmit} onInput={onInput} noValidate aria-busy={isPending}>
        {problems[''] && <Notice kind="bad">{problems['']}</Notice>}
        {children}
        <div className="actions">
          <button type="submit" className={isDangerous ? 'danger' : 'primary'} disabled={isPending}>
            {button}
          </button>
          <span role="status">{isPending ? 'One moment …' : done}</span>
        </div>
      </form>
    </ProblemsOfForm>
  )
}
