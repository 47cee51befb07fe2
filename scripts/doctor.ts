/**
 * Looks at an environment from outside, before a deploy: `npm run doctor` reads the variables of the
 * shell, `npm run doctor -- --file .dev.vars` those of a file. One line a check, never a value; exits
 * with 1 if something fails. It changes nothing but one counter in Redis, and sends no mail.
 */
import { readFile } from 'node:fs/promises'
import { parseArgs, parseEnv } from 'node:util'
import { type Config, ConfigurationError, readConfig, Variables } from '../src/env.ts'
import { checkAddresses } from './doctor/addresses.ts'
import { checkDatabase } from './doctor/database.ts'
import type { Check, Finding } from './doctor/finding.ts'
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

/** Milliseconds for a whole check of a few answers. */
const CHECK_LIMIT = 20_000

const ABOUT_WIDTH = 13

type Values = Record<string, string | undefined>

async function readVariables(file: string | undefined, env: Values): Promise<Values> {
  if (file === undefined) return env
  try {
    return parseEnv(await readFile(file, 'utf8'))
  } catch {
    throw new Error(`${file} can't be read. Give the file with the variables: --file .dev.vars`)
  }
}

/** Set but empty is not set, for every variable: so says .dev.vars.example. */
const withoutEmpty = (values: Values) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value))

/** Names in a file that nothing reads: mostly slips. */
function unknownNames(values: Values): Finding[] {
  return Object.keys(values)
    .filter((name) => !(name in Variables.shape))
    .map((name) => ({
      about: 'variables',
      level: 'warn',
      words: `${name} is none of this service: see .dev.vars.example.`,
    }))
}

async function examine(values: Values): Promise<Finding[]> {
  const config = readConfig(withoutEmpty(values))
  if (config instanceof ConfigurationError) {
    return config.problems.map((problem) => ({
      about: 'variables',
      level: 'FAIL',
      words: `${problem} (explained in .dev.vars.example)`,
    }))
  }
  const checked = await Promise.all(
    Object.entries(CHECKS).map(([name, check]) => run(name, check, config)),
  )
  return [
    { about: 'variables', level: 'ok', words: `valid, for ${config.environment}` },
    ...checked.flat(),
  ]
}

/** A check that breaks or hangs is a finding too. */
async function run(about: string, check: Check, config: Config): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Finding[]>((resolve) => {
    const words = `not known after ${CHECK_LIMIT / 1000} s. Try again.`
    timer = setTimeout(resolve, CHECK_LIMIT, [{ about, level: 'FAIL', words }])
  })
  const broken = (error: unknown): Finding[] => {
    const name = error instanceof Error ? error.name : 'an unknown error'
    return [{ about, level: 'FAIL', words: `the check itself failed (${name}).` }]
  }
  const found = await Promise.race([check(config).catch(broken), late])
  clearTimeout(timer)
  return found
}

const line = ({ level, about, words }: Finding) =>
  `${level.padEnd(5)} ${about.padEnd(ABOUT_WIDTH)} ${words}`

/**
 * Prints a line for each finding.
 *
 * @returns the exit code: 0 without a failure, 1 with one, 2 if the variables can't be read
 */
export async function runDoctor(
  args: string[],
  env: Values,
  print: { line: (text: string) => void; error: (text: string) => void },
): Promise<number> {
  try {
    const { file } = parseArgs({ args, options: { file: { type: 'string' } } }).values
    const values = await readVariables(file, env)
    const findings = [...(file ? unknownNames(values) : []), ...(await examine(values))]
    for (const finding of findings) print.line(line(finding))
    const failed = findings.filter(({ level }) => level === 'FAIL').length
    print.line(failed > 0 ? `\n${failed} to fix.` : '\nReady to deploy.')
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
