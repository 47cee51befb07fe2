import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { identityOf, pidIfRunning } from './identity.ts'

export class AlreadyRunningError extends Error {
  readonly pid: number

  constructor(pid: number, what: string) {
    super(`${what} is already running (pid ${pid}).`)
    this.name = 'AlreadyRunningError'
    this.pid = pid
  }
}

/**
 * Takes a lock file that is released when this process exits, however it exits: the file identifies
 * its owner and is valid only while the owner runs.
 *
 * @param what for the error message: "PostgreSQL in …"
 * @returns a function that releases the lock
 * @throws AlreadyRunningError
 */
export function takeLock(file: string, what: string): () => void {
  const mine = `${file}.${process.pid}`
  writeFileSync(mine, identityOf(process.pid))
  try {
    for (;;) {
      try {
        linkSync(mine, file) // Atomic, unlike open and write.
        return () => rmSync(file, { force: true })
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      }
      const pid = pidIfRunning(readFileSync(file, 'utf8'))
      if (pid !== undefined) throw new AlreadyRunningError(pid, what)
      rmSync(file, { force: true })
    }
  } finally {
    rmSync(mine, { force: true })
  }
}
