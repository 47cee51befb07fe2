/** What processes use, from proc(5): Linux only. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const sysconf = (name: string) => Number(execFileSync('getconf', [name], { encoding: 'utf8' }))

const TICKS_PER_SECOND = sysconf('CLK_TCK')
const PAGE_BYTES = sysconf('PAGE_SIZE')

type Stat = { parent: number; own: number; reaped: number }

/** Ticks in user and system mode: its own, and those of children that have ended. */
function statOf(pid: number): Stat {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field, the name in brackets, may contain spaces: the rest begins with the third.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const field = (number: number) => fields[number - 3] ?? 0
  return { parent: field(4), own: field(14) + field(15), reaped: field(16) + field(17) }
}

/** Processor time of a process, in seconds. The system counts in hundredths. */
export const cpuSecondsOf = (pid: number) => statOf(pid).own / TICKS_PER_SECOND

/** Processor time of a process and of all its children, also of those that have ended. */
export function cpuSecondsOfGroup(pid: number): number {
  const { own, reaped } = statOf(pid)
  const children = readdirSync('/proc')
    .map(Number)
    .filter((each) => each > 0)
    .map((each) => {
      try {
        return statOf(each)
      } catch {
        return undefined // It has ended meanwhile: it counts as reaped next time.
      }
    })
    .filter((each) => each?.parent === pid)
  const ticks = children.reduce((sum, child) => sum + (child?.own ?? 0), own + reaped)
  return ticks / TICKS_PER_SECOND
}

/** Resident memory of a process. */
export const rssBytesOf = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
