import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 500

/** Name and parent of a process, from proc_pid_stat(5). Undefined if there is none, or not on Linux. */
function readProcess(pid: number): { name: string; parent: number } | undefined {
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
 * Resolves when the npm that runs this script has exited without signaling it, as after `kill -9`. The
 * shell between npm and this process then keeps running, with another parent. Never resolves if npm
 * did not start this process.
 */
export async function untilNpmExits(): Promise<void> {
  const { npm_lifecycle_event: script } = process.env
  if (script === undefined) return new Promise(() => {})
  const parent = process.ppid
  const starter = readProcess(parent)
  const isShell = starter !== undefined && /^(ba|da)?sh$/.test(starter.name)
  while (process.ppid === parent && (!isShell || readProcess(parent)?.parent === starter.parent)) {
    await sleep(POLL_MS, undefined, { ref: false })
  }
}
