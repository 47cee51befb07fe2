import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * The start time of a process, in the system's own format. Undefined if there is no such process. A
 * pid identifies a process only together with its start time, because pids are reused.
 */
function startTimeOf(pid: number): string | undefined {
  try {
    // Field 22 of proc_pid_stat(5). The second, the name in brackets, may contain spaces.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    // Not on Linux, or no such process: try `ps`.
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** A line that identifies this process. Write it to a file and read it with `pidIfRunning`. */
export function identityOf(pid: number): string {
  return `${pid} ${startTimeOf(pid) ?? ''}`
}

/** The pid of the process that `identity` identifies, if it is still running. */
export function pidIfRunning(identity: string): number | undefined {
  const pid = Number.parseInt(identity, 10)
  if (!(pid > 0)) return undefined
  return identityOf(pid) === identity.trim() && startTimeOf(pid) !== undefined ? pid : undefined
}
