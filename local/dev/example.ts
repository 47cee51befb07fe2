import { createInterface } from 'node:readline'
import { isPortFree } from '../process/ports.ts'
import { supervise } from '../process/supervise.ts'
import { exampleIn } from '../vite.ts'
import type { Place } from './parts.ts'

const DEFAULT_PORT = 5173

/** @throws Error if EXAMPLE_PORT is not a port */
function readPort({ EXAMPLE_PORT }: NodeJS.ProcessEnv): number {
  const port = Number(EXAMPLE_PORT || DEFAULT_PORT)
  if (Number.isInteger(port) && port > 0 && port < 2 ** 16) return port
  throw new Error(`EXAMPLE_PORT=${EXAMPLE_PORT} is not a port: use a number from 1 to 65535.`)
}

/** Where the example is. The same host as that of the service: its cookies are not third-party cookies. */
export const exampleUrl = () => `http://127.0.0.1:${readPort(process.env)}`

/**
 * Starts examples/react on Vite, as a frontend of the service.
 *
 * @throws Error if its port is in use
 */
export async function startExample({ folder, ports, stops, say }: Place): Promise<void> {
  const port = readPort(process.env)
  if (!(await isPortFree(port))) {
    throw new Error(
      `Port ${port} is in use. Stop the program that uses it, or choose another port: ` +
        `EXAMPLE_PORT=${port + 1000} npm run example`,
    )
  }
  const { example, vite } = exampleIn(folder)
  const running = supervise({
    file: process.execPath,
    args: [vite, '--port', `${port}`, '--logLevel', 'warn'],
    cwd: example,
    env: { VITE_ACCOUNTS_URL: `http://127.0.0.1:${ports.worker}` },
    stop: [{ signal: 'SIGTERM', waitMs: 2000 }],
  })
  createInterface({ input: running.output }).on('line', say)
  stops.add(running.stop, { name: 'The example', ended: running.ended })
}
