// `npm run smoke`: checks a service that runs, from outside.
import { readRunningService } from '../local/dev/running.ts'
import { CommandError, runCommand } from './command-line.ts'
import { byAdmin, byDatabase } from './smoke/eraser.ts'
import { examine } from './smoke/examine.ts'
import type { Means } from './smoke/life.ts'
import { askedMailbox, resendMailbox } from './smoke/mailbox.ts'
import { printReport } from './smoke/report.ts'
import { isReadable } from './smoke/tls.ts'
import { databaseUrlOf, readVariables, type Values, withoutEmpty } from './variables.ts'

/** Resend accepts and reports it as delivered, and nobody gets it. */
const MAIL_TO = 'delivered+smoke-{id}@resend.dev'

const SEE_HELP = 'See: npm run smoke -- --help'

/** Aborts at the first Ctrl-C, so that the account is erased. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => controller.abort())
  return controller.signal
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
function meansOf(values: Values, mailTo: string | undefined): Means {
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
      timeout: {
        type: 'string',
        value: '<s>',
        about: 'seconds for a check',
        least: 1,
        default: '15',
      },
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
    const { origin, json, write, file, timeout, 'mail-to': mailTo } = values
    const local = values.url === undefined ? await readRunningService() : undefined
    const url = baseOf(values.url ?? local?.url)
    if (write && isReadable(url)) {
      throw new CommandError('--write sends passwords: pass the https address as --url', 2)
    }
    const variables = {
      ...process.env,
      ...local?.variables,
      ...(file && (await readVariables(file))),
    }
    const means = write ? meansOf(withoutEmpty(variables), mailTo) : undefined
    const target = { url, origin, timeoutMs: Number(timeout) * 1000 }
    const report = await examine(target, means, means && untilInterrupted())
    if (json) console.log(JSON.stringify(report, null, 2))
    else printReport(report)
    return report.ok ? 0 : 1
  },
)
