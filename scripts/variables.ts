/** Where commands get the variables of an environment from. */
import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { CommandError } from './command-line.ts'

export type Values = Record<string, string | undefined>

/** Of a file like `.dev.vars`. An empty variable counts as unset. */
export async function readVariables(file: string): Promise<Values> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CommandError(`Can't read ${file}. Pass a file with variables: --file .dev.vars`, 2)
  })
  return withoutEmpty(parseEnv(text))
}

export const withoutEmpty = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value))

/**
 * The database that a command works on.
 *
 * @param command what to run, for an example
 * @throws {CommandError} if the URL is missing or is none, without its value
 */
export const databaseUrlOf = ({ DATABASE_URL: url }: Values, command: string): string =>
  checkDatabaseUrl('DATABASE_URL', url, `DATABASE_URL=${EXAMPLE_URL} ${command}`)

const EXAMPLE_URL = "'postgresql://user:password@host/database'"

/**
 * The URL of a database that a command was given as `name`.
 *
 * @param example how the command is run with one
 * @throws {CommandError} as {@link databaseUrlOf}
 */
export function checkDatabaseUrl(name: string, url: string | undefined, example: string): string {
  if (!url) throw new CommandError(`${name} is not set. Run: ${example}`, 2)
  const problem = problemOf(url)
  if (problem) throw new CommandError(`${name} ${problem}. Run: ${example}`, 2)
  return url
}

function problemOf(url: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(url)) return 'is not a URL that starts with postgresql://'
  if (!URL.canParse(url)) {
    return 'is not a valid URL. In the password, write special characters as in %40 for @ and %23 for #'
  }
  const { hostname, pathname } = new URL(url)
  if (hostname === '') return 'has no host'
  return pathname.length > 1 ? undefined : 'names no database after the host'
}
