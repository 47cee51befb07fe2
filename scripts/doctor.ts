// `npm run doctor`: checks an environment from outside.
import { type RunningService, readRunningService } from '../local/dev/running.ts'
import { ConfigurationError, readConfig, Variables } from '../src/env.ts'
import { CommandError, runCommand } from './command-line.ts'
import { checkAddresses } from './doctor/addresses.ts'
import { checkBackups } from './doctor/backups.ts'
import { checkDatabase } from './doctor/database.ts'
import { type Check, type Finding, fail, ok, warn } from './doctor/finding.ts'
import { checkKeys } from './doctor/keys.ts'
import { checkLegacy } from './doctor/legacy.ts'
import { checkMail } from './doctor/mail.ts'
import { checkPublicUrl } from './doctor/public-url.ts'
import { checkRedis } from './doctor/redis.ts'
import { checkSettings } from './doctor/settings.ts'
import { type Given, VARIABLE_OPTIONS, variablesOf } from './environments.ts'
import type { Values } from './variables.ts'

const CHECKS: Readonly<Record<string, Check>> = {
  keys: checkKeys,
  'old tokens': checkLegacy,
  addresses: checkAddresses,
  database: checkDatabase,
  redis: checkRedis,
  mail: checkMail,
}

/** Of what is on the internet: not of a laptop. */
const DEPLOYED_CHECKS: Readonly<Record<string, Check>> = {
  settings: checkSettings,
  backups: () => checkBackups(process.env),
  certificate: checkPublicUrl,
}

const CHECK_TIMEOUT_MS = 20_000
const CHECK_WIDTH = 13

/** Typos, or secrets that a deploy with this file would give to the Worker. */
function checkNames(values: Values): Finding[] {
  return Object.keys(values)
    .filter((name) => !(name in Variables.shape))
    .map((name) => warn('variables', `${name} is not a known variable: see .dev.vars.example.`))
}

async function examine(values: Values): Promise<Finding[]> {
  const config = readConfig(values)
  if (config instanceof ConfigurationError) {
    return config.problems.map((problem) =>
      fail('variables', `${problem} (explained in .dev.vars.example)`),
    )
  }
  const checks = { ...CHECKS, ...(isDeployed(values) && DEPLOYED_CHECKS) }
  const findings = await Promise.all(
    Object.entries(checks).map(([name, check]) => run(name, () => check(config))),
  )
  return [ok('variables', `valid, for ${config.environment}`), ...findings.flat()]
}

/** A check that throws or hangs is a finding too. */
async function run(name: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<Finding[]>((resolve) => {
    const finding = fail(name, `not finished after ${CHECK_TIMEOUT_MS / 1000} s. Try again.`)
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, [finding])
  })
  const crashed = (error: unknown) => {
    const reason = error instanceof Error ? error.name : 'unknown error'
    return [fail(name, `the check itself failed (${reason}).`)]
  }
  const findings = await Promise.race([check().catch(crashed), timeout])
  clearTimeout(timer)
  return findings
}

const line = ({ level, check, message }: Finding) =>
  `${level.padEnd(5)} ${check.padEnd(CHECK_WIDTH)} ${message}`

type Source = {
  /** For the reader: "the file .dev.vars". */
  name: string
  values: Values
  isFile?: boolean
  service?: RunningService
}

/** Prints a line for each finding, never a value of a variable. @returns whether none failed */
export async function runDoctor(
  { name, values, isFile, service }: Source,
  print: (line: string) => void = console.log,
): Promise<boolean> {
  print(`Checking ${name}.\n`)
  const findings = [...(isFile ? checkNames(values) : []), ...(await examine(values))]
  for (const finding of findings) print(line(finding))
  const failed = findings.filter(({ level }) => level === 'FAIL').length
  print(`\n${failed > 0 ? `Failed checks: ${failed}` : verdict(values, service)}`)
  return failed === 0
}

const isDeployed = ({ ENVIRONMENT: environment }: Values) =>
  environment === 'staging' || environment === 'production'

/** What a sound environment is ready for. */
function verdict(values: Values, service: RunningService | undefined) {
  const { ENVIRONMENT: environment } = values
  if (service) return `Ready for local work at ${service.url}. This is no environment to deploy.`
  return isDeployed(values)
    ? `Ready to deploy to ${environment}.`
    : `Ready for ${environment}. Only staging and production are environments to deploy.`
}

/** Without these there is no service: a shell that has one of them has them for the doctor. */
const REQUIRED = Object.entries(Variables.shape).flatMap(([name, schema]) =>
  schema.safeParse(undefined).success ? [] : [name],
)

/** The file that is named; or else the shell; or else what `npm run dev` has started. */
async function findSource({ file, env }: Given): Promise<Source> {
  const values = await variablesOf({ file, env })
  if (file !== undefined) {
    const name = `the file ${file}${env ? ` with ${env} of wrangler.toml` : ''}`
    return { name, values, isFile: true }
  }
  if (env !== undefined) {
    return { name: `${env} of wrangler.toml with the secrets of the shell`, values }
  }
  if (REQUIRED.some((name) => name in values)) {
    return { name: 'the variables of the shell', values }
  }
  const service = await readRunningService()
  if (service) {
    return { name: 'the service of `npm run dev`', values: service.variables, service }
  }
  throw new CommandError(
    [
      'There is nothing to check: no service of `npm run dev` runs in this folder, and the shell has no variables.',
      'Start it, or pass the variables of an environment: npm run doctor -- --file <file>',
    ].join('\n'),
    2,
  )
}

if (import.meta.main) {
  await runCommand(
    {
      name: 'npm run doctor',
      about: `Checks an environment from outside: its variables, keys, database, Redis and email. Prints a line for
each check, never a value. It changes only a counter in Redis, and sends no email.`,
      options: VARIABLE_OPTIONS,
      details: `Without a file, checks the variables of the shell. If it has none, the service that \`npm run dev\` runs.
With --env, the file or the shell only has to have the secrets. Of staging and production, it also checks the
certificate and the redirect at PUBLIC_URL and, with NEON_API_KEY and NEON_PROJECT_ID in the shell, how far back
Neon restores.

Exit codes: 0 nothing failed; 1 a check failed; 2 the variables can't be read.`,
    },
    async ({ values }) => ((await runDoctor(await findSource(values))) ? 0 : 1),
  )
}
