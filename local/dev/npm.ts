import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 500

/** Name and parent of a process by proc_pid_stat(5); undefined without one, and outside Linux. */
function look(pid: number): { name: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const end = stat.lastIndexOf(')')
    const parent = Number(stat.slice(end + 2).split(' ')[1])
    return { name: stat.slice(stat.indexOf('(') + 1, end), parent }
  } catch {
    return undefined
  }
}

/**
 * Settles when the npm that runs this script has ended without a signal to it: after `kill -9`. The
 * shell between npm and this process then waits for it, and has another parent. Never settles if npm
 * did not start this process.
 */
export async function npmGone(): Promise<void> {
  const { npm_lifecycle_event: script } = process.env
  if (script === undefined) return new Promise(() => {})
  const parent = process.ppid
  const above = look(parent)
  const isShell = above !== undefined && /^(ba|da)?sh$/.test(above.name)
  while (process.ppid === parent && (!isShell || look(parent)?.parent === above.parent)) {
    await sleep(POLL_MS, undefined, { ref: false })
  }
}
