import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { PostgresBinaries } from './binaries.ts'

/** The user that PostgreSQL runs as instead of root. */
export interface Account {
  name: string
  uid: number
  gid: number
}

/** For data and binaries that are in a folder that only root can enter. */
const SHARED_FOLDER = '/var/lib/local-postgres'

function id(option: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [option, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return undefined
  }
}

/**
 * The user that the server runs as, or undefined to run it as the current user, who is not root. For
 * root it is the owner of the data, or, if there is no data yet, `postgres` or else `nobody`.
 *
 * @param data the folder, which need not exist
 * @throws if the data belongs to another user, or there is no user to run as
 */
export function serverAccount(data: string): Account | undefined {
  const me = process.getuid?.()
  const owner = statSync(data, { throwIfNoEntry: false })
  if (me !== 0) {
    if (owner === undefined || owner.uid === me) return undefined
    throw new Error(
      `The PostgreSQL data in ${data} belongs to another user (uid ${owner.uid}), possibly because ` +
        'root started it before. Start it as that user, or delete the folder as that user.',
    )
  }
  if (owner !== undefined && owner.uid !== 0) {
    return { name: `with uid ${owner.uid}`, uid: owner.uid, gid: owner.gid }
  }
  for (const name of ['postgres', 'nobody']) {
    const uid = id('-u', name)
    const gid = id('-g', name)
    if (uid !== undefined && gid !== undefined && uid !== 0) return { name, uid, gid }
  }
  throw new Error(
    "PostgreSQL can't run as root, and there is no user `postgres` or `nobody` to run it as. " +
      'Create one (`useradd --system postgres`), or run this command as a normal user.',
  )
}

function canEnter(folder: string, account: Account): boolean {
  try {
    execFileSync('/bin/sh', ['-c', 'test -x "$0"', folder], { stdio: 'ignore', ...account })
    return true
  } catch {
    return false
  }
}

function nearestExisting(folder: string): string {
  return existsSync(folder) ? folder : nearestExisting(dirname(folder))
}

/**
 * The folder itself, or, if `account` can't enter it (the project is in /root), a folder in /var/lib
 * whose name is derived from it.
 */
export function reachableHome(folder: string, account: Account | undefined): string {
  if (account === undefined || canEnter(nearestExisting(folder), account)) return folder
  const key = createHash('sha256').update(folder).digest('hex').slice(0, 12)
  return join(SHARED_FOLDER, key)
}

/** The same for the binaries, which are copied there (60 MB for each version). */
export function reachableBinaries(
  binaries: PostgresBinaries,
  account: Account | undefined,
): PostgresBinaries {
  const bin = join(binaries.folder, 'bin')
  if (account === undefined || canEnter(bin, account)) return binaries
  const folder = join(SHARED_FOLDER, `binaries-${binaries.version}`)
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}`
    mkdirSync(SHARED_FOLDER, { recursive: true })
    cpSync(binaries.folder, unfinished, { recursive: true, verbatimSymlinks: true })
    try {
      renameSync(unfinished, folder)
    } catch {
      rmSync(unfinished, { recursive: true, force: true }) // Another process has created it.
    }
  }
  return { ...binaries, folder }
}
