/**
 * Runs one command for as long as its parent process lives. Started by `supervise.ts`, not by hand.
 *
 * Standard input is a pipe from the parent. However the parent ends (a shutdown, an exit, `kill -9`),
 * the pipe closes, and the command is stopped with its own signals. So no server outlives its parent,
 * without an exit hook.
 */
import { spawn } from 'node:child_process'
import { openSync, rmSync } from 'node:fs'
import type { SupervisedCommand } from './supervise.ts'

const command: SupervisedCommand = JSON.parse(process.argv[2] ?? '{}')
const STDOUT = 1

function openLog(file: string): number {
  rmSync(file, { force: true }) // It may belong to root, after an earlier start as root.
  return openSync(file, 'w')
}
const log = command.logFile === undefined ? STDOUT : openLog(command.logFile)

const child = spawn(command.file, command.args, {
  // Its own process group, so that Ctrl-C in the terminal does not reach the command directly.
  detached: true,
  stdio: ['ignore', log, log],
  ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  ...(command.env === undefined ? {} : { env: { ...process.env, ...command.env } }),
  ...(command.user === undefined ? {} : { uid: command.user.uid, gid: command.user.gid }),
})

/** Also kills what the command started and left running (workerd, esbuild). */
function killGroup(): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group is empty.
  }
}

function cleanUpAndExit(code: number): void {
  killGroup()
  if (command.removeAtEnd !== undefined) {
    rmSync(command.removeAtEnd, { recursive: true, force: true, maxRetries: 5 })
  }
  process.exit(code)
}

let stopping = false
function stop(): void {
  if (stopping) return
  stopping = true
  let delay = 0
  for (const { signal, waitMs } of command.stop) {
    setTimeout(() => child.kill(signal), delay)
    delay += waitMs
  }
  setTimeout(killGroup, delay)
}

child.on('error', (error) => {
  console.log(`${command.file} could not be started: ${error.message}`)
  cleanUpAndExit(1)
})
child.on('exit', (code) => cleanUpAndExit(stopping ? 0 : (code ?? 1)))

process.stdin.on('end', stop).on('error', stop).resume()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
// The parent may have exited. Writing to it then fails, which must not interrupt the shutdown.
process.stdout.on('error', () => {})
