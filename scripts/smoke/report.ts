import type { Result } from './check.ts'

/** Keys stay: programs read them, too. */
export type Report = {
  url: string
  ok: boolean
  started_at: string
  duration_ms: number
  checks: Result[]
}

const NAME_WIDTH = 21

const LEVEL = { ok: 'ok', warn: 'ok', failed: 'FAIL', skipped: 'skip' } as const

const line = (level: string, name: string, message: string) =>
  `${level.padEnd(5)} ${name.padEnd(NAME_WIDTH)} ${message}`

export function linesOf({ name, status, note, problems, warnings }: Result): string[] {
  return [
    ...(note === '' ? [] : [line(LEVEL[status], name, note)]),
    ...warnings.map((warning) => line('warn', name, warning)),
    ...problems.map((problem) => line('FAIL', name, problem)),
  ]
}

/** For people. A skipped check has not passed. */
export function printReport({ url, checks, duration_ms }: Report) {
  console.log(`Smoke test of ${url}\n`)
  for (const check of checks) for (const text of linesOf(check)) console.log(text)
  const failed = checks.filter(({ status }) => status === 'failed').map(({ name }) => name)
  const skipped = checks.filter(({ status }) => status === 'skipped').length
  const passed = `${checks.length - skipped} checks passed${skipped > 0 ? `, ${skipped} skipped` : ''}`
  const seconds = (duration_ms / 1000).toFixed(1)
  console.log(
    failed.length > 0
      ? `\nFailed: ${failed.join(', ')} (${failed.length} of ${checks.length} checks, ${seconds} s)`
      : `\n${passed}, in ${seconds} s.`,
  )
}
