import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Findings } from '../../scripts/check-variables.ts'
import { duplicatesIn } from './dev-vars.ts'

/**
 * Checks variables with the Worker's own rules, in a separate process: it loads src/, which nothing in
 * local/ imports. If the check does not run, as with a syntax error in src/env.ts, that is the problem.
 */
export function checkVariables(
  folder: string,
  variables: Record<string, string>,
): Promise<Findings> {
  return new Promise((resolve) => {
    const script = join(folder, 'scripts/check-variables.ts')
    const child = execFile(process.execPath, [script], { cwd: folder }, (error, stdout, stderr) => {
      const failure = `it can't be checked, because src/env.ts does not run:\n${stderr.trim()}`
      resolve(error ? { problems: [failure], unknown: [] } : JSON.parse(stdout))
    })
    child.stdin?.on('error', () => {}) // It has exited: reported above.
    child.stdin?.end(JSON.stringify(variables))
  })
}

export const list = (names: readonly string[]) => new Intl.ListFormat('en').format(names)

/** What is odd in .dev.vars but not wrong. */
export function remarksOn(
  text: string,
  {
    custom,
    frontendUrl,
    unknown,
  }: { custom: Map<string, string>; frontendUrl: string | undefined; unknown: readonly string[] },
): string[] {
  const lines: string[] = []
  for (const name of unknown) {
    lines.push(
      `${name} in .dev.vars is not a variable of the service. If it is a typo: .dev.vars.example has all names.`,
    )
  }
  for (const name of duplicatesIn(text)) {
    lines.push(`${name} is set more than once in .dev.vars. The last value counts.`)
  }
  if (custom.get('ENVIRONMENT') === 'development' && !custom.has('RATE_LIMIT_FACTOR')) {
    lines.push(
      "RATE_LIMIT_FACTOR is not in .dev.vars, so production's limits apply: 20 registrations an hour, for " +
        'example. Add RATE_LIMIT_FACTOR=1000, as in .dev.vars.example, or 1 to keep them.',
    )
  }
  const ownFrontend = custom.get('FRONTEND_URL')
  if (frontendUrl !== undefined && ownFrontend !== undefined && ownFrontend !== frontendUrl) {
    lines.push('FRONTEND_URL is set in .dev.vars, so --frontend-url has no effect.')
  }
  return lines
}

/** Every problem on a line of its own, what follows from them, and how to go on. */
export const explain = (problems: readonly string[], isRunning: boolean) => `
The configuration in .dev.vars is not valid:

${problems.map((problem) => `  ${problem}`).join('\n')}

${
  isRunning
    ? 'The service keeps running with the configuration before. Fix .dev.vars, and it restarts.'
    : 'Nothing has started, as every call would return 503. Fix .dev.vars, and it starts by itself.'
}
.dev.vars.example explains every variable. \`npm run keys\` makes keys.
`
