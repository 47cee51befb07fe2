import { setTimeout as sleep } from 'node:timers/promises'
import { isPortFree } from '../process/ports.ts'

/** Environment variable and default port of each part. */
const PORTS = {
  worker: { variable: 'PORT', port: 8787 },
  mailbox: { variable: 'MAILBOX_PORT', port: 8025 },
  postgres: { variable: 'POSTGRES_PORT', port: 54329 },
  neon: { variable: 'NEON_PORT', port: 54330 },
  upstash: { variable: 'UPSTASH_PORT', port: 54331 },
} as const

type Part = keyof typeof PORTS
export type Ports = Record<Part, number>

const PARTS: Part[] = ['worker', 'mailbox', 'postgres', 'neon', 'upstash']
const MAX_PORT = 65_535
/** Servers of a start that was killed take a moment to end. */
const PATIENCE_MS = 4000
const POLL_MS = 200

/** @throws Error naming every variable that holds no port, or a port taken twice */
export function readPorts(env: NodeJS.ProcessEnv): Ports {
  const ports: Ports = { worker: 0, mailbox: 0, postgres: 0, neon: 0, upstash: 0 }
  const problems: string[] = []
  const taken = new Map<number, string>()
  for (const part of PARTS) {
    const { variable, port } = PORTS[part]
    const value = env[variable]
    ports[part] = value === undefined || value === '' ? port : Number(value)
    if (!Number.isInteger(ports[part]) || ports[part] < 1 || ports[part] > MAX_PORT) {
      problems.push(`${variable}=${value} is not a port: it takes a number from 1 to ${MAX_PORT}.`)
    }
    const other = taken.get(ports[part])
    if (other !== undefined) problems.push(`${variable} and ${other} are both ${ports[part]}.`)
    taken.set(ports[part], variable)
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return ports
}

/** @throws Error naming every port in use, with the variable that changes it */
export async function assertPortsFree(ports: Ports, patienceMs = PATIENCE_MS): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const free = await Promise.all(PARTS.map((part) => isPortFree(ports[part])))
    const used = PARTS.filter((_, i) => free[i] === false)
    if (used.length === 0) return
    if (Date.now() >= deadline) {
      const lines = used.map((part) => {
        const example = `${PORTS[part].variable}=${ports[part] + 1000} npm run dev`
        return `Port ${ports[part]} is in use by another program. Stop it, or choose another: ${example}`
      })
      throw new Error(lines.join('\n'))
    }
    await sleep(POLL_MS)
  }
}
