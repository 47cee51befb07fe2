import { setTimeout as sleep } from 'node:timers/promises'
import { isPortFree } from '../process/ports.ts'

/** Environment variable and default port of each service. */
const PORTS = {
  worker: { variable: 'PORT', port: 8787 },
  mailbox: { variable: 'MAILBOX_PORT', port: 8025 },
  postgres: { variable: 'POSTGRES_PORT', port: 54329 },
  neon: { variable: 'NEON_PORT', port: 54330 },
  upstash: { variable: 'UPSTASH_PORT', port: 54331 },
  example: { variable: 'EXAMPLE_PORT', port: 5173 },
} as const

type Service = keyof typeof PORTS
export type Ports = Record<Service, number>

const SERVICES: Service[] = ['worker', 'mailbox', 'postgres', 'neon', 'upstash', 'example']
const MAX_PORT = 65_535
/** After a run that was killed, its servers take a moment to exit. */
const TIMEOUT_MS = 4000
const POLL_MS = 200

const servicesOf = (example: boolean) =>
  SERVICES.filter((service) => example || service !== 'example')

/** @throws Error that names every variable with an invalid port, and every port that is used twice */
export function readPorts(env: NodeJS.ProcessEnv, { example }: { example: boolean }): Ports {
  const ports: Ports = { worker: 0, mailbox: 0, postgres: 0, neon: 0, upstash: 0, example: 0 }
  const problems: string[] = []
  const variables = new Map<number, string>()
  for (const service of servicesOf(example)) {
    const { variable, port } = PORTS[service]
    const value = env[variable]
    const chosen = value === undefined || value === '' ? port : Number(value)
    if (!Number.isInteger(chosen) || chosen < 1 || chosen > MAX_PORT) {
      problems.push(`${variable}=${value} is not a port: use a number from 1 to ${MAX_PORT}.`)
    }
    const other = variables.get(chosen)
    if (other !== undefined) problems.push(`${variable} and ${other} are both ${chosen}.`)
    variables.set(chosen, variable)
    ports[service] = chosen
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return ports
}

/** @throws Error that names every port in use, and the variable that changes it */
export async function assertPortsFree(
  ports: Ports,
  { example, timeoutMs = TIMEOUT_MS }: { example: boolean; timeoutMs?: number },
): Promise<void> {
  const services = servicesOf(example)
  const command = example ? 'npm run example' : 'npm run dev'
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const free = await Promise.all(services.map((service) => isPortFree(ports[service])))
    const used = services.filter((_, i) => !free[i])
    if (used.length === 0) return
    if (Date.now() >= deadline) {
      const lines = used.map((service) => {
        const port = ports[service]
        const advice = `${PORTS[service].variable}=${port + 1000} ${command}`
        return `Port ${port} is in use. Stop the program that uses it, or choose another port: ${advice}`
      })
      throw new Error(lines.join('\n'))
    }
    await sleep(POLL_MS)
  }
}
