import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Account } from './account.ts'
import type { PostgresBinaries } from './binaries.ts'

/** The superuser that initdb creates. Only this folder uses it, to create roles and databases. */
export const SUPERUSER = 'local'

/**
 * Creates the data folder if it does not exist: UTF-8, sorted by code point on every machine, passwords
 * required. It is created under another name and then renamed, so that an interrupted start leaves no
 * incomplete folder.
 *
 * @throws if another version of PostgreSQL created the folder, or it can't be created
 */
export function ensureCluster(
  data: string,
  password: string,
  binaries: PostgresBinaries,
  account?: Account,
): void {
  const versionFile = join(data, 'PG_VERSION')
  if (existsSync(versionFile)) {
    const found = readFileSync(versionFile, 'utf8').trim()
    if (found === binaries.major) return
    throw new Error(
      `The data in ${data} was written by PostgreSQL ${found}, but this is version ` +
        `${binaries.major}. Dump it with the old version if you need it, then delete the folder.`,
    )
  }
  const unfinished = `${data}.unfinished`
  const passwordFile = `${data}.password`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true, mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (account !== undefined) {
    chownSync(unfinished, account.uid, account.gid)
    chownSync(passwordFile, account.uid, account.gid)
  }
  try {
    execFileSync(
      join(binaries.folder, 'bin', 'initdb'),
      [
        `--pgdata=${unfinished}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      // initdb fails in a working directory that `account` can't enter.
      { cwd: unfinished, stdio: 'pipe', encoding: 'utf8', ...account },
    )
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Error(`Can't create the PostgreSQL data folder ${data}: ${output || String(error)}`)
  } finally {
    rmSync(passwordFile, { force: true })
  }
  rmSync(data, { recursive: true, force: true })
  renameSync(unfinished, data)
}
