/** A Worker whose dependencies can be made to fail, and what is measured meanwhile. */
import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test'
import { expect, inject } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import type { MailMessage } from '../../src/mail/queue.ts'
import { newcomer } from '../setup/accounts.ts'
import { type ApiResponse, environment } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { type Fault, openLane, type Target } from '../setup/lanes.ts'

const VARIABLES = {
  neon: 'NEON_HTTP_URL',
  upstash: 'UPSTASH_REDIS_REST_URL',
  resend: 'RESEND_BASE_URL',
} as const satisfies Record<Target, keyof Bindings>

export const responds = (status: number, body: unknown, headers = {}): Fault => ({
  kind: 'status',
  status,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
})

export type NamedFault = [name: string, fault: Fault]

/** Faults that any dependency may have. Requests do not reach it. */
export const UNREACHABLE: NamedFault[] = [
  ['closes connections', { kind: 'disconnect' }],
  ['hangs', { kind: 'hang' }],
  ['responds with 503 and HTML', { kind: 'status', status: 503, body: '<h1>Bad Gateway</h1>' }],
  ['responds with garbage', { kind: 'garbage' }],
]

/** Requests are carried out, and the response does not arrive. */
export const RESPONSE_LOST: NamedFault[] = [
  ['loses its responses', { kind: 'lose-response' }],
  ['sends half of each response', { kind: 'cut' }],
]

/** A lane to one dependency, and bindings that use it. */
export async function faulty(target: Target) {
  const lane = await openLane(inject('world').faultProxyUrl, target)
  return {
    ...lane,
    /** New bindings at each call: the isolate's memory of earlier failures does not apply to them. */
    env: (replaced: Partial<Bindings> = {}) =>
      environment({ [VARIABLES[target]]: lane.url, REDIS_TIMEOUT_MS: 400, ...replaced }),
    async during<Result>(fault: Fault, act: () => Promise<Result>): Promise<Result> {
      await lane.fault(fault)
      try {
        return await act()
      } finally {
        await lane.calm()
      }
    },
  }
}

export async function faultyWorld() {
  const neon = await faulty('neon')
  const upstash = await faulty('upstash')
  const resend = await faulty('resend')
  return {
    lanes: { neon, upstash, resend },
    env: (replaced: Partial<Bindings> = {}) =>
      environment({
        NEON_HTTP_URL: neon.url,
        UPSTASH_REDIS_REST_URL: upstash.url,
        RESEND_BASE_URL: resend.url,
        ...replaced,
      }),
  }
}

/** A mail queue that holds its messages until the test delivers them. */
export function heldQueue() {
  const held: MailMessage[] = []
  const metrics = { backlogCount: 0, backlogBytes: 0 }
  const queue: Queue<MailMessage> = {
    metrics: async () => metrics,
    async send(message) {
      held.push(message)
      return { metadata: { metrics } }
    },
    async sendBatch(messages) {
      for (const { body } of messages) held.push(body)
      return { metadata: { metrics } }
    },
  }
  return { queue, held }
}

/** Passes messages to the queue's consumer. */
export async function deliver(messages: readonly MailMessage[], env: Bindings, attempts = 1) {
  const batch = createMessageBatch<MailMessage>(
    'edge-accounts-mail',
    messages.map((body, index) => ({ id: `m${index}`, timestamp: new Date(), attempts, body })),
  )
  const context = createExecutionContext()
  await worker.queue(batch, env, createExecutionContext())
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context)
  return { acknowledged: explicitAcks.length, retried: retryMessages.map(({ msgId }) => msgId) }
}

/** A user who has no password and is only sent email. */
export async function mailOnlyUser(email = newcomer().email): Promise<string> {
  await sql('insert into users (username, email) values ($1, $2)', [newcomer().username, email])
  return email
}

export async function timed<Result>(act: () => Promise<Result>) {
  const started = performance.now()
  const result = await act()
  return { result, took: performance.now() - started }
}

/** The shortest of three runs, in milliseconds: other load on the machine matters less. */
export async function fastest(act: () => Promise<unknown>) {
  const times = []
  for (let i = 0; i < 3; i++) times.push((await timed(act)).took)
  return Math.min(...times)
}

/** The uniform 503. Its `Retry-After` varies, so that clients do not all return at once. */
export function expectUnavailable(
  response: ApiResponse,
  error: 'DatabaseError' | 'ServiceUnavailableError' = 'DatabaseError',
) {
  const { status, body } = response
  expect({ status, body }).toMatchObject({ status: 503, body: { error, status_code: 503 } })
  const retryAfter = Number(response.headers.get('Retry-After'))
  expect(retryAfter).toBeGreaterThanOrEqual(2)
  expect(retryAfter).toBeLessThanOrEqual(10)
}
