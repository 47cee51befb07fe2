import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * When a process started, in the system's own unit; undefined if there is no such process. Together
 * with its number it identifies the process: numbers alone are used again, at the latest after a
 * restart of the machine.
 */
function startOf(pid: number): string | undefined {
  try {
    // Field 22 of proc_pid_stat(5). The second, the name in brackets, may contain spaces.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    // Not Linux, or no such process: ask `ps`.
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** A line that names this very process, to be kept in a file: see `pidIfRunning`. */
export function identityOf(pid: number): string {
  return `${pid} ${startOf(pid) ?? ''}`
}

/** The number of the process that `identity` names, if that process is still there. */
export function pidIfRunning(identity: string): number | undefined {
  const pid = Number.parseInt(identity, 10)
  if (!(pid > 0)) return undefined
  return identityOf(pid) === identity.trim() && startOf(pid) !== undefined ? pid : undefined
}
