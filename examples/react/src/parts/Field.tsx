import { type InputHTMLAttributes, type ReactNode, useId, useState } from 'react'
import { useProblem } from './Form.tsx'

type FieldProps = InputHTMLAttributes<HTMLInputElement> & {
  label: string
  /** Of the input of the API, so that its errors are shown here. */
  name: string
  hint?: ReactNode
  /** At the end of the line of the label. */
  aside?: ReactNode
  isOptional?: boolean
}

/** A labeled input with a hint, or its error. What is typed into a password can be shown. */
export function Field(props: FieldProps) {
  const { label, hint, isOptional = false, type = 'text', ...others } = props
  const { aside = isOptional && 'Optional', ...input } = others
  const id = useId()
  const problem = useProblem(input.name)
  const [isShown, setShown] = useState(false)
  const isPassword = type === 'password'
  const note = problem || hint
  const toggle = isShown ? 'Hide' : 'Show'

  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <span className="aside">{aside}</span>
      <div className="input">
        <input
          {...input}
          id={id}
          type={isShown ? 'text' : type}
          required={!isOptional}
          aria-invalid={problem ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          autoCapitalize={input.autoComplete === 'name' ? 'words' : 'none'}
          spellCheck={false}
        />
        {isPassword && (
          <button
            type="button"
            className="quiet"
            aria-label={`${toggle} ${label.toLowerCase()}`}
            onClick={() => setShown(!isShown)}
          >
            {toggle}
          </button>
        )}
      </div>
      {note && (
        <p id={`${id}-note`} className={problem ? 'problem' : 'hint'}>
          {note}
        </p>
      )}
    </div>
  )
}
