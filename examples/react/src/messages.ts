import { ApiError } from 'edge-accounts-client'

/** What to say by the `type` of a validation error. Its `message` is for developers. */
const BY_TYPE: Record<string, string> = {
  too_short: 'Use a longer password.',
  too_long: 'Use a shorter password.',
  too_common: 'Many people use this password. Choose another.',
  contains_account_name: 'Choose a password that is not a name of yours.',
  breached: 'This password is known from a data breach. Choose another.',
}

const TAKEN: Record<string, string> = {
  username: 'This username is taken.',
  email: 'There is an account with this email already.',
}

/** What went wrong with a call, for the person in front of the page. */
export function messageOf(error: unknown): string {
  if (!(error instanceof ApiError)) {
    reportError(error)
    return 'Something went wrong on this page. Reload it and try again.'
  }
  const { status, retryAfter, requestId } = error
  if (error.error === 'NetworkError') {
    return navigator.onLine
      ? 'The service can’t be reached. Try again in a moment.'
      : 'You are offline. Try again when you are connected.'
  }
  if (error.error === 'TimeoutError') return 'This took too long. Try again.'
  if (status === 429) return `Too many attempts. Try again ${after(retryAfter)}.`
  if (status === 503) return `The service is busy. Try again ${after(retryAfter)}.`
  if (status >= 500) return `Something went wrong. Try again, or report it with ${requestId}.`
  return sentence(error.message)
}

/** What is wrong with which input, by its name; with all of them together under `''`. */
export type Problems = Readonly<Record<string, string>>

/** What is wrong with which field of the input, as the service says. */
export function problemsOf(error: unknown): Problems {
  const { errors = [], field } = (error instanceof ApiError && error.details) || {}
  if (field) return { [field]: TAKEN[field] ?? messageOf(error) }
  const problems = errors.map(({ field, message, type }) => [
    field,
    BY_TYPE[type] ?? sentence(message),
  ])
  return problems.length > 0 ? Object.fromEntries(problems) : { '': messageOf(error) }
}

/** What the browser finds wrong with the inputs of a form, before anything is sent. */
export function problemsOfInputs(form: HTMLFormElement): Problems {
  const inputs = [...form.elements].filter((element) => element instanceof HTMLInputElement)
  return Object.fromEntries(
    inputs.filter(({ validity }) => !validity.valid).map((input) => [input.name, wordsFor(input)]),
  )
}

function wordsFor({ validity, labels, minLength, validationMessage }: HTMLInputElement): string {
  const label = labels?.[0]?.textContent?.toLowerCase()
  if (validity.valueMissing) return `Enter your ${label}.`
  if (validity.tooShort) return `Use at least ${minLength} characters.`
  if (validity.typeMismatch) return 'Enter an email address, such as ada@example.com.'
  return validationMessage
}

/** `must be an email address` says what is wrong with a field. */
function sentence(text: string): string {
  const [first = '', ...rest] = text.startsWith('must ') ? `This ${text}` : text
  return `${first.toUpperCase()}${rest.join('')}${/[.!?]$/.test(text) ? '' : '.'}`
}

function after(seconds = 60): string {
  const words = new Intl.RelativeTimeFormat('en')
  return seconds < 100
    ? words.format(Math.ceil(seconds), 'second')
    : words.format(Math.ceil(seconds / 60), 'minute')
}
