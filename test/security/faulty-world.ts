/** A Worker whose dependencies can be hurt, and how long what it does takes. */
import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test'
import { expect, inject } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import type { MailMessage } from '../../src/mail/queue.ts'
import { type Answer, environment } from '../setup/api.ts'
import { type Fault, openLane, type Target } from '../setup/lanes.ts'

const VARIABLES = {
  neon: 'NEON_HTTP_URL',
  upstash: 'UPSTASH_REDIS_REST_URL',
  resend: 'RESEND_BASE_URL',
} as const satisfies Record<Target, keyof Bindings>

/** A lane to one dependency, and bindings that lead through it. */
export async function faulty(target: Target) {
  const lane = await openLane(inject('world').faultProxyUrl, target)
  return {
    ...lane,
    /** New bindings at each call: nothing that an isolate remembers of the last ones counts. */
    env: (replaced: Partial<Bindings> = {}) =>
      environment({ [VARIABLES[target]]: lane.url, REDIS_TIMEOUT_MS: 400, ...replaced }),
    /** Does something while the fault lasts. */
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

/** A mail queue that keeps what it is given, until the test has it delivered. */
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

/** Hands messages to the queue's consumer, and tells which it took and which it wants again. */
export async function deliver(
  messages: readonly MailMessage[],
  env: Bindings,
  { attempts = 1 }: { attempts?: number } = {},
) {
  const batch = createMessageBatch<MailMessage>(
    'edge-accounts-mail',
    messages.map((body, index) => ({ id: `m${index}`, timestamp: new Date(), attempts, body })),
  )
  const context = createExecutionContext()
  await worker.queue(batch, env)
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context)
  return { taken: explicitAcks.length, again: retryMessages }
}

/** The result, and the milliseconds it took. */
export async function timed<Result>(work: () => Promise<Result>) {
  const started = performance.now()
  const result = await work()
  return { result, took: performance.now() - started }
}

/** The least time of three tries (ms): what it takes when the machine isn't busy otherwise. */
export async function fastest(work: () => Promise<unknown>) {
  const tries = []
  for (let i = 0; i < 3; i++) tries.push((await timed(work)).took)
  return Math.min(...tries)
}

/** The uniform 503: tells when to come again, a little different for everybody. */
export function expectUnavailable(
  answer: Answer,
  error: 'DatabaseError' | 'ServiceUnavailableError' = 'DatabaseError',
) {
  expect(answer.body).toMatchObject({ error, status_code: 503 })
  expect(answer.status).toBe(503)
  const retryAfter = Number(answer.headers.get('Retry-After'))
  expect(retryAfter).toBeGreaterThanOrEqual(2)
  expect(retryAfter).toBeLessThanOrEqual(10)
}
