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
 * Takes a lock that ends with this process, however it ends: a file that names its holder is
 * valid only while the holder runs.
 *
 * @param what names the thing in the error: "The local PostgreSQL in …"
 * @returns the release
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
