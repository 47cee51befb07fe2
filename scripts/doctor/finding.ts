import type { Config } from '../../src/env.ts'

/** One line of output. The message never contains a value that could be secret. */
export interface Finding {
  check: string
  level: 'ok' | 'warn' | 'FAIL'
  /** What was found and, unless it is ok, how to fix it. */
  message: string
}

export const ok = (check: string, message: string): Finding => ({ check, level: 'ok', message })
export const warn = (check: string, message: string): Finding => ({ check, level: 'warn', message })
export const fail = (check: string, message: string): Finding => ({ check, level: 'FAIL', message })

/** Checks one part of an environment from outside. What depends on a failed step is skipped. */
export type Check = (config: Config) => Promise<Finding[]>

/** For one response of a dependency. A suspended database resumes in less. */
const RESPONSE_TIMEOUT_MS = 8_000

export const responseTimeout = () => AbortSignal.timeout(RESPONSE_TIMEOUT_MS)

/**
 * Why there was no response, to follow the name of the service. The driver's message is not used,
 * because it can contain addresses and passwords.
 */
export function connectionProblem(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = causeOf(cause)) {
    if (cause.name === 'TimeoutError')
      return `does not respond within ${RESPONSE_TIMEOUT_MS / 1000} s`
    if ('code' in cause && typeof cause.code === 'string' && cause.code in PROBLEMS) {
      return PROBLEMS[cause.code] ?? ''
    }
  }
  return 'is unreachable'
}

const causeOf = (error: Error) => ('sourceError' in error ? error.sourceError : error.cause)

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'has a host name that does not exist',
  EAI_AGAIN: "has a host name that can't be resolved",
  ECONNREFUSED: 'does not accept connections',
  CERT_HAS_EXPIRED: 'has an expired certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a self-signed certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate of an unknown authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate of another host',
}
