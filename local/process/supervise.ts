import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

export interface SupervisedCommand {
  file: string
  args: string[]
  cwd?: string
  /** Added to this process's environment. */
  env?: Record<string, string>
  /** Run as this user. Only root can do this. */
  user?: { uid: number; gid: number }
  /** Standard output and error go to this file, which is emptied first, or to `Supervised.output`. */
  logFile?: string
  /** How to stop it: each signal in turn until it exits. Then its process group is killed. */
  stop: { signal: NodeJS.Signals; waitMs: number }[]
  /** A folder to delete after the command exits, however this process ends. */
  removeAtEnd?: string
}

export interface Supervised {
  /** The command's output (unless it goes to `logFile`), or why it could not be started. */
  output: Readable
  /** Resolves when the command and everything it started have exited. Never rejects. */
  ended: Promise<{ code: number }>
  /** True until `ended` resolves. */
  running(): boolean
  stop(): Promise<void>
}

const SUPERVISOR = join(import.meta.dirname, 'supervisor.ts')

/** Starts a command that can't outlive this process: see `supervisor.ts`. */
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
