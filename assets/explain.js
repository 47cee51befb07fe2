/** What to do about a new password that the API rejects, by the `type` of the error. */
const PASSWORD_PROBLEMS = {
  too_long: 'This is too long. Use at most 72 characters, fewer with accents or emoji.',
  too_common: 'This is one of the most common passwords. Choose one that is harder to guess.',
  contains_account_name: 'This is a name of yours or of this product. Choose something else.',
  breached: 'This password is known from a data breach elsewhere. Choose another one.',
}

export const tooShort = (minLength) => `Use at least ${minLength} characters.`

/** Why the API rejects the new password, or undefined if that is not what is wrong. */
export function explainPassword({ errors }, minLength) {
  const problem = errors.find(({ field }) => field === 'new_password')
  if (!problem) return undefined
  if (/^too_s(hort|mall)$/.test(problem.type)) return tooShort(minLength)
  return PASSWORD_PROBLEMS[problem.type] ?? `${problem.message}.`
}

/** An error that is not about what was typed. */
export function explain(error) {
  if (error.status === 429) {
    return `Too many attempts from your network. Try again ${inMinutes(error.retryAfter)}.`
  }
  if (error.status >= 500) return 'This does not work at the moment. Try again in a minute.'
  if (error.status === 0 && !navigator.onLine) {
    return 'You are offline. Connect to the internet and try again.'
  }
  return error.message
}

function inMinutes(seconds = 60) {
  const minutes = Math.ceil(seconds / 60)
  return minutes > 1 ? `in ${minutes} minutes` : 'in a minute'
}
