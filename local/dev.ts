/**
 * `npm run dev`: starts the services that the Worker needs on this machine, then the Worker.
 *
 * They start in order and stop in reverse order. None can outlive this process: the gateways run
 * inside it, PostgreSQL, Redis and wrangler under `process/supervise.ts`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startExample } from './dev/example.ts'
import { untilNpmExits } from './dev/npm.ts'
import { type Options, readOptions } from './dev/options.ts'
import { assertPortsFree, readPorts } from './dev/settings.ts'
import { startEverything } from './dev/start.ts'
import { createStops } from './dev/stops.ts'
import { AlreadyRunningError, takeLock } from './process/lock.ts'

const FOLDER = join(import.meta.dirname, '..')
/** npm repeats a Ctrl-C that the terminal has already sent. Only a later one exits at once. */
const SECOND_SIGNAL_MS = 1000
const LOCK_TIMEOUT_MS = 3000
const LOCK_POLL_MS = 200

const stops = createStops((name) => {
  void end(1, `${name} exited unexpectedly. Stopping everything else …`)
})

function messageOf(error: unknown): string {
  if (error instanceof AlreadyRunningError) {
    return `${error.message} Stop it first: press Ctrl-C in its terminal, or run \`kill ${error.pid}\`.`
  }
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'EACCES' && 'path' in error) {
    return (
      `You have no permission to write ${error.path}. If root created it, delete the folder .local ` +
      'as root (this deletes the local data), or run `npm run dev` as root again.'
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

/** An earlier run that was killed or is stopping releases the lock in a moment. */
async function takeDevLock(): Promise<() => void> {
  const file = join(FOLDER, '.local/dev.lock')
  const deadline = Date.now() + LOCK_TIMEOUT_MS
  for (;;) {
    try {
      return takeLock(file, '`npm run dev` for this folder')
    } catch (error) {
      if (!(error instanceof AlreadyRunningError) || Date.now() > deadline) throw error
      await sleep(LOCK_POLL_MS)
    }
  }
}

async function main({ example, frontendUrl }: Options): Promise<void> {
  const ports = readPorts(process.env, { example })
  mkdirSync(join(FOLDER, '.local'), { recursive: true })
  stops.add(await takeDevLock())
  const say = (line: string) => console.log(line)
  const place = { folder: FOLDER, ports, stops, say }
  await assertPortsFree(ports, { example })
  const exampleUrl = example ? startExample(place) : undefined
  await startEverything(place, frontendUrl ?? exampleUrl)
}

const options = readOptions()
stopOnSignals()
void untilNpmExits().then(() => end(1, 'npm has exited. Stopping …'))
// Writing to a closed terminal fails. That must not interrupt the shutdown.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
try {
  await main(options)
} catch (error) {
  await end(1, `\n${messageOf(error)}`)
}
