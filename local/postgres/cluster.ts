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

/** The superuser that initdb creates. It is used here only, to set up roles and databases. */
export const SUPERUSER = 'local'

/**
 * Creates the data folder if it isn't there yet: UTF-8, sorted by code point on every machine,
 * passwords required. It is created under another name and renamed, so that an interrupted start
 * leaves nothing that looks finished.
 *
 * @throws if the folder belongs to another version of PostgreSQL, or can't be created
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
      `The data in ${data} was written by PostgreSQL ${found}; this one is ${binaries.major}. ` +
        'Delete that folder to start empty, or dump it with the old version first.',
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
      // initdb fails in a working directory that the server's account may not enter.
      { cwd: unfinished, stdio: 'pipe', encoding: 'utf8', ...account },
    )
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Error(
      `The PostgreSQL data folder ${data} can't be created: ${output || String(error)}`,
    )
  } finally {
    rmSync(passwordFile, { force: true })
  }
  rmSync(data, { recursive: true, force: true })
  renameSync(unfinished, data)
}
