import { createInterface } from 'node:readline'
import { supervise } from '../process/supervise.ts'
import { exampleIn } from '../vite.ts'
import type { Place } from './parts.ts'

/**
 * Starts examples/react on Vite, as a frontend of the service.
 *
 * @returns where it is: on the host of the service, whose cookies are then not third-party cookies
 */
export function startExample({ folder, ports, stops, say }: Place): string {
  const { example, vite } = exampleIn(folder)
  const running = supervise({
    file: process.execPath,
    args: [vite, '--port', `${ports.example}`, '--logLevel', 'warn'],
    cwd: example,
    env: { VITE_ACCOUNTS_URL: `http://127.0.0.1:${ports.worker}` },
    stop: [{ signal: 'SIGTERM', waitMs: 2000 }],
  })
  createInterface({ input: running.output }).on('line', say)
  stops.add(running.stop, { name: 'The example', ended: running.ended })
  return `http://127.0.0.1:${ports.example}`
}
