/**
 * Checks an environment from outside, before a deploy: `npm run doctor` reads the variables of the
 * shell, `npm run doctor -- --file .dev.vars` those of a file. Prints one line per check, never a value,
 * and exits with 1 if a check fails. It changes only a counter in Redis and sends no email.
 */
import { readFile } from 'node:fs/promises'
import { parseArgs, parseEnv } from 'node:util'
import { type Config, ConfigurationError, readConfig, Variables } from '../src/env.ts'
import { checkAddresses } from './doctor/addresses.ts'
import { checkDatabase } from './doctor/database.ts'
import { type Check, type Finding, fail, ok, warn } from './doctor/finding.ts'
import { checkKeys } from './doctor/keys.ts'
import { checkMail } from './doctor/mail.ts'
import { checkRedis } from './doctor/redis.ts'

const CHECKS: Readonly<Record<string, Check>> = {
  keys: checkKeys,
  addresses: checkAddresses,
  database: checkDatabase,
  redis: checkRedis,
  mail: checkMail,
}

const CHECK_TIMEOUT_MS = 20_000
const CHECK_WIDTH = 13

type Values = Record<string, string | undefined>

async function readVariables(file: string | undefined, env: Values): Promise<Values> {
  if (file === undefined) return env
  try {
    return parseEnv(await readFile(file, 'utf8'))
  } catch {
    throw new Error(`Can't read ${file}. Pass a file with variables: --file .dev.vars`)
  }
}

/** An empty variable counts as unset, as .dev.vars.example says. */
const withoutEmpty = (values: Values) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value))

/** Most unknown names in a file are typos. */
function checkNames(values: Values): Finding[] {
  return Object.keys(values)
    .filter((name) => !(name in Variables.shape))
    .map((name) => warn('variables', `${name} is not a known variable: see .dev.vars.example.`))
}

async function examine(values: Values): Promise<Finding[]> {
  const config = readConfig(withoutEmpty(values))
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

/**
 * Prints a line for each finding.
 *
 * @returns the exit code: 0 if nothing failed, 1 if something did, 2 if the variables can't be read
 */
export async function runDoctor(
  args: string[],
  env: Values,
  print: { line: (text: string) => void; error: (text: string) => void },
): Promise<number> {
  try {
    const { file } = parseArgs({ args, options: { file: { type: 'string' } } }).values
    const values = await readVariables(file, env)
    const findings = [...(file ? checkNames(values) : []), ...(await examine(values))]
    for (const finding of findings) print.line(line(finding))
    const failed = findings.filter(({ level }) => level === 'FAIL').length
    print.line(failed > 0 ? `\nFailed checks: ${failed}` : '\nReady to deploy.')
    return failed > 0 ? 1 : 0
  } catch (error) {
    print.error(error instanceof Error ? error.message : String(error))
    return 2
  }
}

if (import.meta.main) {
  process.exitCode = await runDoctor(process.argv.slice(2), process.env, {
    line: console.log,
    error: console.error,
  })
}
