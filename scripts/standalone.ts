// `npm run standalone`: the Worker without Cloudflare. docs/runbooks.md says when, and what goes in front.
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ConfigurationError, readConfig, Variables } from '../src/env.ts'
import { CommandError, runCommand } from './command-line.ts'
import { VARIABLE_OPTIONS, variablesOf } from './environments.ts'
import { startMailQueue } from './standalone/mail-queue.ts'
import { startWorkerd } from './standalone/workerd.ts'
import type { Values } from './variables.ts'

const ROOT = resolve(import.meta.dirname, '..')
const BUNDLE = 'dist/bundle/worker.js'

/** As `crons` in wrangler.toml. */
const CRON_MS = 5 * 60_000

/** What waits for its next attempt at the end is attempted at once. Docker kills after ten seconds. */
const DRAIN_MS = 5_000

/** Those of the Worker, and nothing else of the shell. @throws {CommandError} that names every wrong one */
function workerVariables(values: Values): Record<string, string> {
  const variables = Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      name in Variables.shape && value ? [[name, value]] : [],
    ),
  )
  const config = readConfig(variables)
  if (!(config instanceof ConfigurationError)) return variables
  throw new CommandError(
    ['The variables are not valid:', ...config.problems.map((problem) => `  ${problem}`)].join(
      '\n',
    ),
    2,
  )
}

/** Serves until a signal. @returns the exit code: 1 if workerd has ended by itself */
async function serve(
  script: string,
  address: string,
  variables: Record<string, string>,
): Promise<number> {
  const stopped = new Promise<number>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => resolve(0))
  })
  const queue = await startMailQueue()
  const worker = await startWorkerd({
    ...{ script, variables, address, mailQueue: queue.address },
    onLine: (line) => console.log(line),
  })
  console.log(`Serving at ${worker.url}`)
  queue.deliverTo(worker.deliverUrl)
  const cron = setInterval(() => void runCron(worker.deliverUrl), CRON_MS)
  const code = await Promise.race([stopped, worker.ended.then(() => 1)])
  clearInterval(cron)
  if (code === 0 && !(await queue.drain(DRAIN_MS))) {
    console.error(
      `${queue.counts().waiting} messages were not delivered. The cron sends what is in the outbox.`,
    )
  }
  await worker.stop()
  return code
}

async function runCron(deliverUrl: string | undefined): Promise<void> {
  await fetch(`${deliverUrl}/scheduled`, { method: 'POST' }).catch(() =>
    console.error('The cron could not be run.'),
  )
}

await runCommand(
  {
    name: 'npm run standalone',
    about: `Runs the bundle of \`npm run build\` in workerd on this machine, with a mail queue in memory and the cron, for
an outage of Cloudflare. It takes the same variables as the Worker, from a file or the shell.`,
    options: {
      ...VARIABLE_OPTIONS,
      bundle: { type: 'string', value: '<file>', about: 'what it runs', default: BUNDLE },
      host: { type: 'string', value: '<address>', about: 'where it listens', default: '127.0.0.1' },
      port: { type: 'string', value: '<n>', about: 'the port', least: 0, default: '8787' },
    },
    details: `The proxy in front of it terminates TLS and sets CF-Connecting-IP: scripts/standalone/Caddyfile.
scripts/standalone/Dockerfile makes an image that runs this command. See docs/runbooks.md.

Exit codes: 0 stopped by a signal; 1 workerd has ended; 2 the arguments or variables are wrong.`,
  },
  async ({ values: { bundle, host, port, ...source } }) => {
    const script = resolve(ROOT, bundle)
    await access(script).catch(() => {
      throw new CommandError(`There is no ${bundle}. Run: npm run build`, 2)
    })
    const variables = workerVariables(await variablesOf(source))
    return serve(script, `${host}:${port}`, variables)
  },
)
