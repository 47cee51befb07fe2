import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

export interface SupervisedCommand {
  file: string
  args: string[]
  cwd?: string
  /** Added to the environment of this process. */
  env?: Record<string, string>
  /** Run as this user; only root may ask for it. */
  user?: { uid: number; gid: number }
  /** Both outputs go to this file, emptied first; without it they are `Supervised.output`. */
  logFile?: string
  /** How to stop it: each signal in turn, while it is still there. Then its group is killed. */
  stop: { signal: NodeJS.Signals; waitMs: number }[]
  /** A folder to delete once the command has ended, however this process ended. */
  removeAtEnd?: string
}

export interface Supervised {
  /** The command's output (without `logFile`), and in any case why it couldn't be started. */
  output: Readable
  /** Settles when the command and all that it started are gone. Never rejects. */
  ended: Promise<{ code: number }>
  /** True until `ended` settles. */
  running(): boolean
  stop(): Promise<void>
}

const SUPERVISOR = join(import.meta.dirname, 'supervisor.ts')

/**
 * Starts a command that can't outlive this process: see `supervisor.ts`.
 */
export function supervise(command: SupervisedCommand): Supervised {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--no-warnings', SUPERVISOR, JSON.stringify(command)],
    { detached: true, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('The supervisor has no pipes')
  stdin.on('error', () => {})

  const ended = once(child, 'exit').then(
    ([code]) => ({ code: typeof code === 'number' ? code : 1 }),
    () => ({ code: 1 }),
  )
  return {
    output: stdout,
    ended,
    running: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      stdin.end()
      await ended
    },
  }
}
