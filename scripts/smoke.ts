// `npm run smoke`: checks a service that runs, from outside.
import { CommandError, runCommand } from './command-line.ts'
import { type Check, type Result, runCheck } from './smoke/check.ts'
import { checkAuthentication, checkErrors, checkLimits } from './smoke/errors.ts'
import { checkCors, checkHeaders, checkLeaks } from './smoke/protection.ts'
import {
  checkDocument,
  checkHealth,
  checkJwks,
  checkLive,
  checkMetrics,
  checkPages,
} from './smoke/system.ts'
import { checkTls } from './smoke/tls.ts'

const CHECKS: Readonly<Record<string, Check>> = {
  live: checkLive,
  health: checkHealth,
  tls: checkTls,
  headers: checkHeaders,
  cors: checkCors,
  jwks: checkJwks,
  document: checkDocument,
  pages: checkPages,
  errors: checkErrors,
  authentication: checkAuthentication,
  limits: checkLimits,
  metrics: checkMetrics,
  leaks: checkLeaks,
}

const NAME_WIDTH = 15

type Report = {
  url: string
  ok: boolean
  started_at: string
  duration_ms: number
  checks: Result[]
}

async function examine(url: string, origin: string | undefined): Promise<Report> {
  const startedAt = new Date()
  const checks = await Promise.all(
    Object.entries(CHECKS).map(([name, check]) => runCheck(name, check, { url, origin })),
  )
  return {
    url,
    ok: checks.every(({ status }) => status !== 'failed'),
    started_at: startedAt.toISOString(),
    duration_ms: Date.now() - startedAt.getTime(),
    checks,
  }
}

const LEVEL = { ok: 'ok', warn: 'ok', failed: 'FAIL', skipped: 'skip' } as const

const line = (level: string, name: string, message: string) =>
  `${level.padEnd(5)} ${name.padEnd(NAME_WIDTH)} ${message}`

function linesOf({ name, status, note, problems, warnings }: Result): string[] {
  return [
    ...(note === '' ? [] : [line(LEVEL[status], name, note)]),
    ...warnings.map((warning) => line('warn', name, warning)),
    ...problems.map((problem) => line('FAIL', name, problem)),
  ]
}

function printReport({ url, checks, duration_ms }: Report) {
  console.log(`Smoke test of ${url}\n`)
  for (const check of checks) for (const text of linesOf(check)) console.log(text)
  const failed = checks.filter(({ status }) => status === 'failed').map(({ name }) => name)
  const seconds = (duration_ms / 1000).toFixed(1)
  console.log(
    failed.length > 0
      ? `\nFailed: ${failed.join(', ')} (${failed.length} of ${checks.length} checks, ${seconds} s)`
      : `\nAll ${checks.length} checks passed in ${seconds} s.`,
  )
}

/** The origin of the service: paths are appended to it. */
function baseOf(given: string | undefined): string {
  if (given === undefined) {
    throw new CommandError('Which service? Pass --url https://accounts.example.com', 2)
  }
  const { origin, pathname, search, username, password } = new URL(given)
  if (pathname !== '/' || search !== '' || username !== '' || password !== '') {
    throw new CommandError('--url takes an origin, without path, query and credentials', 2)
  }
  return origin
}

await runCommand(
  {
    name: 'npm run smoke',
    about: `Checks a service that runs, from outside, after each deploy: health, TLS, headers, CORS, keys, document,
pages, errors, authentication, limits. It reads, but for one failed login of an account that does not exist.`,
    options: {
      url: { type: 'string', value: '<url>', about: 'the service', isUrl: true },
      origin: { type: 'string', value: '<origin>', about: 'a frontend of yours', isUrl: true },
      json: { type: 'boolean', about: 'prints the report as JSON' },
    },
    details: 'Exit codes: 0 all checks passed; 1 a check failed; 2 the arguments are wrong.',
  },
  async ({ values: { url, origin, json } }) => {
    const report = await examine(baseOf(url), origin)
    if (json) console.log(JSON.stringify(report, null, 2))
    else printReport(report)
    return report.ok ? 0 : 1
  },
)
