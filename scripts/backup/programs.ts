/** `pg_dump` and `pg_restore`, which the PostgreSQL from npm lacks. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CommandError } from '../command-line.ts'

/** Where Debian and Ubuntu install each major version, besides what is in PATH. */
const DEBIAN = '/usr/lib/postgresql'

export type Programs = { folder: string; major: number }

const foldersOf = (): string[] => {
  try {
    return ['', ...readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin'))]
  } catch {
    return ['']
  }
}

const pathOf = (folder: string, program: string) =>
  folder === '' ? program : join(folder, program)

/** The major version of the programs there. Undefined: there are none. */
function majorOf(folder: string): number | undefined {
  try {
    const version = (program: string) =>
      execFileSync(pathOf(folder, program), ['--version'], { encoding: 'utf8', stdio: 'pipe' })
    version('pg_restore')
    return Number(/ (\d+)/.exec(version('pg_dump'))?.[1])
  } catch {
    return undefined
  }
}

/**
 * The oldest that are new enough: older ones can read neither the server nor its dumps.
 *
 * @throws {CommandError} that says what to install
 */
export function findPrograms(least: number): Programs {
  const found = foldersOf()
    .flatMap((folder) => ({ folder, major: majorOf(folder) ?? [] }))
    .flatMap(({ folder, major }) => (typeof major === 'number' ? { folder, major } : []))
    .toSorted((a, b) => a.major - b.major)
  const fit = found.find(({ major }) => major >= least)
  if (fit) return fit
  const present = [...new Set(found.map(({ major }) => major))].join(', ') || 'none'
  throw new CommandError(
    `pg_dump and pg_restore of PostgreSQL ${least} or later are needed (found: ${present}). Install the client: https://www.postgresql.org/download/`,
  )
}

/**
 * Runs one of them on a database, whose password is not among the arguments: everybody sees those.
 *
 * @returns what it printed
 * @throws {CommandError} with its last line of errors
 */
export async function run(
  { folder }: Programs,
  program: 'pg_dump' | 'pg_restore',
  args: string[],
  database?: string,
): Promise<string> {
  const url = database === undefined ? undefined : new URL(database)
  const inQuery = url?.searchParams.get('password')
  const PGPASSWORD = inQuery ?? decodeURIComponent(url?.password ?? '')
  if (url) url.password = ''
  if (url && inQuery) {
    url.searchParams.delete('password')
    url.search = url.search.replaceAll('+', '%20') // To libpq, + is no space.
  }
  const child = spawn(pathOf(folder, program), [...args, ...(url ? ['--dbname', url.href] : [])], {
    env: { ...process.env, ...(PGPASSWORD && { PGPASSWORD }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended,
  ])
  if (code !== 0) throw new CommandError(`${program} failed: ${errors.trim().split('\n').at(-1)}`)
  return output
}
