import { randomUUID } from 'node:crypto'
import { connectionProblem } from '../doctor/finding.ts'
import { type Call, callService } from './call.ts'

/** What is examined. */
export type Target = {
  /** Without a trailing slash. */
  url: string
  /** An origin that the service should allow, if one is known. */
  origin: string | undefined
  /** For all requests of a check. */
  timeoutMs: number
}

/** What a check works with. */
type Service = Target & {
  /** Of this run: what it makes up has this in its name. */
  id: string
  /** Sends a request, until the signal. */
  call: Call
  /** Aborts when the time of the check is over. */
  signal: AbortSignal
}

/** What a check saw. It failed if there are problems. */
export type Outcome = { note: string; problems: string[]; warnings: string[]; isSkipped: boolean }

/** Examines one side of the service, without relying on any other check. */
export type Check = (service: Service) => Promise<Outcome>

/** A line of the report. Keys and statuses stay: programs read them. */
export type Result = {
  name: string
  status: 'ok' | 'warn' | 'failed' | 'skipped'
  /** What was seen, or why it was skipped. */
  note: string
  problems: string[]
  warnings: string[]
  duration_ms: number
}

/** A problem, or nothing where `false` stands in its place. */
export type Problem = string | false

const found = (problems: Problem[]) => problems.filter((problem) => problem !== false)

export const outcome = (note: string, problems: Problem[], warnings: Problem[] = []): Outcome => ({
  note,
  problems: found(problems),
  warnings: found(warnings),
  isSkipped: false,
})

export const skipped = (why: string): Outcome => ({ ...outcome(why, []), isSkipped: true })

/** Runs a check. One that throws or hangs has failed. */
export async function runCheck(
  name: string,
  check: Check,
  target: Target,
  interrupted = new AbortController().signal,
): Promise<Result> {
  const startedAt = performance.now()
  const signal = AbortSignal.any([AbortSignal.timeout(target.timeoutMs), interrupted])
  const call = callService(target.url, signal)
  const service = { ...target, id: randomUUID().slice(0, 8), call, signal }
  const seen = await check(service).catch((error) =>
    outcome('', [reasonOf(error, target.timeoutMs)]),
  )
  const { note, problems, warnings, isSkipped } = seen
  return {
    name,
    status: statusOf(seen),
    note: isSkipped || problems.length === 0 ? note : '',
    problems,
    warnings,
    duration_ms: Math.round(performance.now() - startedAt),
  }
}

function statusOf({ problems, warnings, isSkipped }: Outcome): Result['status'] {
  if (problems.length > 0) return 'failed'
  if (isSkipped) return 'skipped'
  return warnings.length > 0 ? 'warn' : 'ok'
}

/** Why a check ended early, without what an error may quote. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof CheckError) return error.message
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'TimeoutError') return `not finished within ${timeoutMs / 1000} s`
    if (cause.name === 'AbortError') return 'interrupted'
  }
  // Of `fetch`, and of a TLS socket.
  if (error instanceof Error && (error.cause !== undefined || 'code' in error)) {
    return `the service ${connectionProblem(error)}`
  }
  return `the check itself failed (${error instanceof Error ? error.name : 'unknown error'})`
}

/** A check can't go on, for this reason. */
export class CheckError extends Error {
  override readonly name = 'CheckError'
}
