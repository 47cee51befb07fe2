import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What `npm run dev` has started. */
export interface RunningService {
  url: string
  /** All that the Worker has: those of .dev.vars, and those that were set for it. */
  variables: Record<string, string>
}

const ROOT = join(import.meta.dirname, '../..')
const TIMEOUT_MS = 2000

const fileIn = (folder: string) => join(folder, '.local/running.json')

/**
 * Keeps the variables in a file that only its owner can read, for `npm run doctor`.
 *
 * @returns how to delete it
 */
export function keepRunningService(folder: string, service: RunningService): () => void {
  rmSync(fileIn(folder), { force: true }) // An existing file would keep its mode.
  writeFileSync(fileIn(folder), JSON.stringify(service), { mode: 0o600 })
  return () => rmSync(fileIn(folder), { force: true })
}

/** Undefined if none runs. The file of a run that was killed is still there, but its service is not. */
export async function readRunningService(folder = ROOT): Promise<RunningService | undefined> {
  try {
    const service: RunningService = JSON.parse(readFileSync(fileIn(folder), 'utf8'))
    await fetch(service.url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    return service
  } catch {
    return undefined
  }
}
