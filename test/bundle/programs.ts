/** `npm run standalone` and `npm run smoke`, as programs. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { inject } from 'vitest'
import type { Result } from '../../scripts/smoke/check.ts'
import { endOf, startProgram } from '../setup/program.ts'
import type {} from '../setup/world.ts'
import { builtBundle } from './built-bundle.ts'
import { RATE_LIMIT_FACTOR } from './served-bundle.ts'

/** Serves a bundle with the bindings of the tests. */
export async function serveStandalone() {
  const { file } = await builtBundle()
  const variables = { ...inject('world').bindings, RATE_LIMIT_FACTOR }
  const child = startProgram('scripts/standalone.ts', ['--bundle', file, '--port', '0'], variables)
  const exited = once(child, 'exit')
  const lines: string[] = []
  const failure = text(child.stderr)
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line)
      const url = /^Serving at (\S+)$/.exec(line)?.[1]
      if (url) resolve(url)
    })
    exited.then(async () => reject(new Error(`It did not start: ${await failure}`)))
  })
  return {
    url,
    lines,
    /** @returns the exit code */
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exited
      return code
    },
  }
}

type SmokeReport = { url: string; ok: boolean; checks: Result[] }

/** Starts `npm run smoke -- --json`. Only these variables are set. */
export function startSmoke(
  url: string,
  args: string[] = [],
  variables: Record<string, string> = {},
) {
  const child = startProgram('scripts/smoke.ts', ['--url', url, '--json', ...args], variables)
  const ended = endOf(child)
  return {
    interrupt: () => child.kill('SIGINT'),
    async report() {
      const { stdout, stderr, code } = await ended
      if (stderr !== '') throw new Error(stderr)
      const report: SmokeReport = JSON.parse(stdout)
      const failed = report.checks.filter(({ status }) => status === 'failed')
      return {
        ...{ code, stdout, report },
        /** The problems of each check that failed. */
        problems: Object.fromEntries(failed.map(({ name, problems }) => [name, problems])),
      }
    },
  }
}
