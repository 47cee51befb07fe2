/**
 * `npm run dev`: what the Worker needs, on this machine, and then the Worker itself.
 *
 * The parts are started in order and stopped in the opposite order. None can outlive this process:
 * the gateways run inside it, PostgreSQL and wrangler under `process/supervise.ts`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { npmGone } from './dev/npm.ts'
import { type Ports, readPorts } from './dev/settings.ts'
import { startEverything } from './dev/start.ts'
import { createStops } from './dev/stops.ts'
import { AlreadyRunningError, takeLock } from './process/lock.ts'

const FOLDER = join(import.meta.dirname, '..')
/** npm repeats a Ctrl-C that the terminal has sent already; only a later one ends at once. */
const SECOND_SIGNAL_MS = 1000
const LOCK_PATIENCE_MS = 3000
const LOCK_POLL_MS = 200

const stops = createStops()

function messageOf(error: unknown): string {
  if (error instanceof AlreadyRunningError) {
    return `${error.message} Stop that one first: Ctrl-C in its terminal, or \`kill ${error.pid}\`.`
  }
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'EACCES' && 'path' in error) {
    return (
      `${error.path} can't be written by this user. If an earlier start as root made it, delete ` +
      'the folder .local as root (this deletes the local data), or start as root again.'
    )
  }
  return error.message
}

async function end(code: number, message: string): Promise<void> {
  if (stops.begun()) return
  if (code === 0) console.log(message)
  else console.error(message)
  await stops.run()
  process.exit(code)
}

function stopOnSignals(): void {
  let first = 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (first !== 0 && Date.now() - first > SECOND_SIGNAL_MS) process.exit(1)
      first ||= Date.now()
      void end(0, '\nStopping …')
    })
  }
}

/** An earlier run that was killed, or is stopping, ends in a moment. */
async function takeDevLock(): Promise<() => void> {
  const file = join(FOLDER, '.local/dev.lock')
  const deadline = Date.now() + LOCK_PATIENCE_MS
  for (;;) {
    try {
      return takeLock(file, '`npm run dev` for this folder')
    } catch (error) {
      if (!(error instanceof AlreadyRunningError) || Date.now() > deadline) throw error
      await sleep(LOCK_POLL_MS)
    }
  }
}

async function main(ports: Ports): Promise<void> {
  mkdirSync(join(FOLDER, '.local'), { recursive: true })
  stops.add(await takeDevLock())
  const welcome = await startEverything(FOLDER, ports, stops, (what) => {
    void end(1, `${what} ended unexpectedly: stopping the rest …`)
  })
  if (!stops.begun()) console.log(welcome)
}

stopOnSignals()
void npmGone().then(() => end(1, 'npm has ended: stopping …'))
// A closed terminal takes no output; the orderly stop goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
try {
  await main(readPorts(process.env))
} catch (error) {
  await end(1, `\n${messageOf(error)}`)
}
