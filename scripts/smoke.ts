// `npm run smoke`: checks a service that runs, from outside.
import { readRunningService } from '../local/dev/running.ts'
import { CommandError, runCommand } from './command-line.ts'
import { type Check, type Result, runCheck } from './smoke/check.ts'
import { byAdmin, byDatabase } from './smoke/eraser.ts'
import { checkAuthentication, checkErrors, checkLimits } from './smoke/errors.ts'
import { live, type Means } from './smoke/life.ts'
import { askedMailbox, resendMailbox } from './smoke/mailbox.ts'
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
import { databaseUrlOf, readVariables, type Values, withoutEmpty } from './variables.ts'

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

/** Resend accepts and reports it as delivered, and nobody gets it. */
const MAIL_TO = 'delivered+smoke-{id}@resend.dev'

const SEE_HELP = 'See: npm run smoke -- --help'

const NAME_WIDTH = 21

type Report = {
  url: string
  ok: boolean
  started_at: string
  duration_ms: number
  checks: Result[]
}

async function examine(
  url: string,
  { origin, means }: { origin: string | undefined; means: Means | undefined },
): Promise<Report> {
  const startedAt = new Date()
  const read = await Promise.all(
    Object.entries(CHECKS).map(([name, check]) => runCheck(name, check, { url, origin })),
  )
  const checks = means ? [...read, ...(await live(means, untilInterrupted()))] : read
  return {
    url,
    ok: checks.every(({ status }) => status !== 'failed'),
    started_at: startedAt.toISOString(),
    duration_ms: Date.now() - startedAt.getTime(),
    checks,
  }
}

/** Aborts at the first Ctrl-C, so that the account is erased. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => controller.abort())
  return controller.signal
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

/** What `--write` needs, from the variables. */
function meansOf(url: string, values: Values, mailTo: string | undefined): Means {
  const {
    RESEND_API_KEY: apiKey,
    RESEND_BASE_URL: baseUrl,
    DATABASE_URL: database,
    SMOKE_ADMIN_USERNAME: username,
    SMOKE_ADMIN_PASSWORD: password,
  } = values
  const isAsked = mailTo !== undefined && process.stdin.isTTY
  if (!apiKey && !isAsked) {
    throw new CommandError(`--write reads an email: set RESEND_API_KEY. ${SEE_HELP}`, 2)
  }
  if (mailTo !== undefined && !mailTo.includes('{id}')) {
    throw new CommandError('--mail-to takes an address with {id}: me+{id}@example.com', 2)
  }
  const isAdmin = username && password
  if (!isAdmin && !database) {
    throw new CommandError(
      `--write erases the account: set DATABASE_URL, or SMOKE_ADMIN_USERNAME and SMOKE_ADMIN_PASSWORD. ${SEE_HELP}`,
      2,
    )
  }
  return {
    url,
    mailTo: mailTo ?? MAIL_TO,
    mailbox: apiKey ? resendMailbox({ apiKey, baseUrl }) : askedMailbox,
    erase: isAdmin
      ? byAdmin({ username, password })
      : byDatabase(databaseUrlOf(values, 'npm run smoke')),
  }
}

await runCommand(
  {
    name: 'npm run smoke',
    about: `Checks a service that runs, from outside, after each deploy: health, TLS, headers, CORS, keys, document,
pages, errors, authentication, limits. It reads, but for one failed login of an account that does not exist.
With --write, also makes an account, lives its life including an email, and erases it.`,
    options: {
      url: { type: 'string', value: '<url>', about: 'the service', isUrl: true },
      origin: { type: 'string', value: '<origin>', about: 'a frontend of yours', isUrl: true },
      write: { type: 'boolean', about: 'makes and erases an account' },
      'mail-to': { type: 'string', value: '<address>', about: `its address (default: ${MAIL_TO})` },
      file: { type: 'string', value: '<file>', about: 'variables for --write, as in .dev.vars' },
      json: { type: 'boolean', about: 'prints the report as JSON' },
    },
    details: `Without --url, checks the service that \`npm run dev\` runs, with its variables. --write takes variables
of the shell or of the file:
  RESEND_API_KEY      reads the email: a key with full access, not the one that may only send. Without it,
                      --mail-to you+{id}@example.com, and paste the link
  DATABASE_URL        erases the account; or, instead of it,
  SMOKE_ADMIN_USERNAME, SMOKE_ADMIN_PASSWORD   of a superadmin, who erases it by the API

The account is erased if a step fails, too, and after Ctrl-C. Audit lines with its id remain.

Exit codes: 0 all checks passed; 1 a check failed; 2 the arguments or variables are wrong.`,
  },
  async ({ values }) => {
    const { origin, json, write, file, 'mail-to': mailTo } = values
    const local = values.url === undefined ? await readRunningService() : undefined
    const url = baseOf(values.url ?? local?.url)
    const variables = {
      ...process.env,
      ...local?.variables,
      ...(file && (await readVariables(file))),
    }
    const means = write ? meansOf(url, withoutEmpty(variables), mailTo) : undefined
    const report = await examine(url, { origin, means })
    if (json) console.log(JSON.stringify(report, null, 2))
    else printReport(report)
    return report.ok ? 0 : 1
  },
)
