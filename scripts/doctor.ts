// `npm run doctor`: checks an environment from outside.
import { type RunningService, readRunningService } from '../local/dev/running.ts'
import { type Config, ConfigurationError, readConfig, Variables } from '../src/env.ts'
import { CommandError, runCommand } from './command-line.ts'
import { checkAddresses } from './doctor/addresses.ts'
import { checkDatabase } from './doctor/database.ts'
import { type Check, type Finding, fail, ok, warn } from './doctor/finding.ts'
import { checkKeys } from './doctor/keys.ts'
import { checkLegacy } from './doctor/legacy.ts'
import { checkMail } from './doctor/mail.ts'
import { checkRedis } from './doctor/redis.ts'
import { readVariables, type Values, withoutEmpty } from './variables.ts'

const CHECKS: Readonly<Record<string, Check>> = {
  keys: checkKeys,
  'old tokens': checkLegacy,
  addresses: checkAddresses,
  database: checkDatabase,
  redis: checkRedis,
  mail: checkMail,
}

const CHECK_TIMEOUT_MS = 20_000
const CHECK_WIDTH = 13

/** Most unknown names in a file are typos. */
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
  const findings = await Promise.all(
    Object.entries(CHECKS).map(([name, check]) => run(name, check, config)),
  )
  return [ok('variables', `valid, for ${config.environment}`), ...findings.flat()]
}

/** A check that throws or hangs is a finding too. */
async function run(name: string, check: Check, config: Config): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<Finding[]>((resolve) => {
    const finding = fail(name, `not finished after ${CHECK_TIMEOUT_MS / 1000} s. Try again.`)
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, [finding])
  })
  const crashed = (error: unknown) => {
    const reason = error instanceof Error ? error.name : 'unknown error'
    return [fail(name, `the check itself failed (${reason}).`)]
  }
  const findings = await Promise.race([check(config).catch(crashed), timeout])
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

/** What a sound environment is ready for. */
function verdict({ ENVIRONMENT: environment }: Values, service: RunningService | undefined) {
  if (service) return `Ready for local work at ${service.url}. This is no environment to deploy.`
  return environment === 'staging' || environment === 'production'
    ? `Ready to deploy to ${environment}.`
    : `Ready for ${environment}. Only staging and production are environments to deploy.`
}

/** Without these there is no service: a shell that has one of them has them for the doctor. */
const REQUIRED = Object.entries(Variables.shape).flatMap(([name, schema]) =>
  schema.safeParse(undefined).success ? [] : [name],
)

/** The file that is named; or else the shell; or else what `npm run dev` has started. */
async function findSource(file: string | undefined): Promise<Source> {
  if (file !== undefined) {
    return { name: `the file ${file}`, values: await readVariables(file), isFile: true }
  }
  const values = withoutEmpty(process.env)
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
      options: {
        file: { type: 'string', value: '<file>', about: 'its variables, as in .dev.vars' },
      },
      details: `Without a file, checks the variables of the shell. If it has none, the service that \`npm run dev\` runs.

Exit codes: 0 nothing failed; 1 a check failed; 2 the variables can't be read.`,
    },
    async ({ values: { file } }) => ((await runDoctor(await findSource(file))) ? 0 : 1),
  )
}
