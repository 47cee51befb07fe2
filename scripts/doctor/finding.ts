import type { Config } from '../../src/env.ts'

/** What a check found out: one line. Words never hold a value that could be secret. */
export interface Finding {
  about: string
  level: 'ok' | 'warn' | 'FAIL'
  /** What is so, and, unless it is well, how to mend it. */
  words: string
}

/** Looks at one part of an environment from outside. What depends on a failed step is left out. */
export type Check = (config: Config) => Promise<Finding[]>

/** Milliseconds for one answer of a dependency: a sleeping database wakes in less. */
const ANSWER_LIMIT = 8_000

export const answerLimit = () => AbortSignal.timeout(ANSWER_LIMIT)

/** Why there was no answer, in words of our own: a driver's text may hold addresses and passwords. */
export function silence(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = causeOf(cause)) {
    if (cause.name === 'TimeoutError') return `does not answer within ${ANSWER_LIMIT / 1000} s`
    if ('code' in cause && typeof cause.code === 'string' && cause.code in REASONS) {
      return REASONS[cause.code] ?? ''
    }
  }
  return "can't be reached"
}

const causeOf = (error: Error) => ('sourceError' in error ? error.sourceError : error.cause)

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'has an address that does not exist',
  EAI_AGAIN: "has an address that can't be looked up",
  ECONNREFUSED: 'refuses the connection',
  CERT_HAS_EXPIRED: 'has an expired certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a certificate that nobody trusts',
}
