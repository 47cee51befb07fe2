/** The HTTP client of the soak: every response is one that the contract allows, or a violation. */
import { setTimeout as sleep } from 'node:timers/promises'

/** A request takes five seconds at most, and waits for its turn to hash before that. */
const TIMEOUT_MS = 10_000

/** Canaries: what must not be in any log line. */
export const CANARY = {
  password: 'canary-password',
  emailDomain: 'canary.example',
  /** Of all client addresses (RFC 2544, benchmarks). */
  network: '198.18.',
} as const

export type Reply = { status: number; body: Record<string, unknown> }

type Request = {
  method: string
  path: string
  token?: string | undefined
  body?: object
  /** Statuses that are right, beside 503. */
  expect: number[]
  /** What waits for mail may take longer than {@link TIMEOUT_MS}. */
  timeoutMs?: number
}

export type Client = {
  /** @returns the response; 503 is one that the caller has to live with */
  send(request: Request): Promise<Reply>
  /** Records what must not happen. */
  violate(text: string): void
  violations: string[]
  /** How many responses of each status, by path. */
  statuses: Map<string, number>
  slowestMs(): number
}

export function createClient(origin: string): Client {
  const violations: string[] = []
  const statuses = new Map<string, number>()
  let slowestMs = 0
  let address = 0

  async function attempt({ method, path, token, body, timeoutMs = TIMEOUT_MS }: Request) {
    address++
    const response = await fetch(origin + path, {
      method,
      headers: {
        // Each request from its own address, so that quotas don't matter: accounts have limits too.
        'CF-Connecting-IP': `${CANARY.network}${(address >> 8) & 255}.${address & 255}`,
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = await response.text()
    return { response, body: text ? JSON.parse(text) : {} }
  }

  return {
    violations,
    statuses,
    slowestMs: () => slowestMs,
    violate: (text) => void violations.push(text),
    async send(request) {
      const name = `${request.method} ${request.path.replace(/\d+|\?.*/g, (part) => (part[0] === '?' ? '' : '{id}'))}`
      const started = performance.now()
      try {
        const { response, body } = await attempt(request)
        const { status } = response
        slowestMs = Math.max(slowestMs, performance.now() - started)
        statuses.set(`${name} ${status}`, (statuses.get(`${name} ${status}`) ?? 0) + 1)
        if (status === 503) {
          const wait = Number(response.headers.get('Retry-After'))
          if (!(wait >= 1 && wait <= 10)) violations.push(`${name}: 503 with Retry-After ${wait}`)
        } else if (!request.expect.includes(status)) {
          violations.push(`${name}: ${status} ${JSON.stringify(body)}`)
        }
        return { status, body }
      } catch (error) {
        violations.push(`${name}: no response (${error})`)
        return { status: 503, body: {} }
      }
    },
  }
}

/** Between two attempts, as a patient client waits. */
export const pause = (milliseconds: number) => sleep(milliseconds * (0.5 + Math.random()))
