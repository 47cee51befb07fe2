/** A queue in memory between the Worker's queue binding and its consumer, with Cloudflare's settings. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** As in wrangler.toml. */
const QUEUE = 'edge-accounts-mail'
const MAX_BATCH = 10
const MAX_ATTEMPTS = 11

const BATCH_PAUSE_MS = 200

type Message = { id: string; timestamp: number; body: unknown; attempts: number; dueAt: number }

/** What a consumer decided. Messages that are not mentioned are acknowledged if the outcome is `ok`. */
type QueueResult = {
  outcome: string
  retryBatch: { retry: boolean; delaySeconds?: number }
  retryMessages: { msgId: string; delaySeconds?: number }[]
}

/** The consumer did not respond, or threw. */
const NOT_CONSUMED: QueueResult = {
  outcome: 'exception',
  retryBatch: { retry: true, delaySeconds: 10 },
  retryMessages: [],
}

export type MailQueue = {
  /** `host:port`, for the queue binding. */
  address: string
  /** Delivers to the consumer at this address from now on, `deliverUrl` of a Worker. Undefined: waits. */
  deliverTo(url: string | undefined): void
  /** Delivers what waits for its next attempt at once, until nothing is left. @returns whether it is empty */
  drain(timeoutMs: number): Promise<boolean>
  counts(): { accepted: number; delivered: number; retried: number; dead: number; waiting: number }
  close(): Promise<void>
}

export async function startMailQueue(): Promise<MailQueue> {
  const counts = { accepted: 0, delivered: 0, retried: 0, dead: 0 }
  let messages: Message[] = []
  let inFlight = 0
  let target: string | undefined
  let isDraining = false
  let isOpen = true

  async function accept(request: IncomingMessage): Promise<object> {
    const body = await buffer(request)
    const bodies: unknown[] =
      request.url === '/batch'
        ? JSON.parse(body.toString()).messages.map((each: { body: string }) =>
            JSON.parse(Buffer.from(each.body, 'base64').toString()),
          )
        : [JSON.parse(body.toString())]
    const timestamp = Date.now()
    for (const each of bodies) {
      messages.push({ id: randomUUID(), timestamp, body: each, attempts: 0, dueAt: timestamp })
    }
    counts.accepted += bodies.length
    return { backlogCount: messages.length, backlogBytes: 0, oldestMessageTimestamp: 0 }
  }

  const server = createServer((request, response) => {
    accept(request).then(
      (metrics) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ metadata: { metrics } }))
      },
      // It broke off, or is no message.
      () => response.writeHead(400).end(),
    )
  })

  async function deliver(batch: Message[], url: string) {
    for (const message of batch) message.attempts++
    const body = JSON.stringify({ queue: QUEUE, messages: batch })
    const { outcome, retryBatch, retryMessages } = await fetch(`${url}/queue`, {
      method: 'POST',
      body,
    })
      .then(async (response): Promise<QueueResult> => JSON.parse(await response.text()))
      .catch(() => NOT_CONSUMED)
    const delays = new Map(retryMessages.map((each) => [each.msgId, each.delaySeconds ?? 0]))
    const retriesAll = retryBatch.retry || outcome !== 'ok'
    for (const message of batch) {
      const delay = delays.get(message.id) ?? (retriesAll ? (retryBatch.delaySeconds ?? 0) : null)
      if (delay === null) counts.delivered++
      else if (message.attempts >= MAX_ATTEMPTS) counts.dead++
      else {
        counts.retried++
        messages.push({ ...message, dueAt: Date.now() + delay * 1000 })
      }
    }
  }

  async function run() {
    while (isOpen) {
      const now = Date.now()
      const batch = messages.filter(({ dueAt }) => isDraining || dueAt <= now).slice(0, MAX_BATCH)
      if (target && batch.length > 0) {
        messages = messages.filter((message) => !batch.includes(message))
        inFlight = batch.length
        await deliver(batch, target)
        inFlight = 0
      }
      await sleep(BATCH_PAUSE_MS)
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const running = run()
  return {
    address: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    deliverTo(url) {
      target = url
    },
    async drain(timeoutMs) {
      isDraining = true
      const end = Date.now() + timeoutMs
      while (messages.length + inFlight > 0 && Date.now() < end) await sleep(BATCH_PAUSE_MS)
      return messages.length + inFlight === 0
    },
    counts: () => ({ ...counts, waiting: messages.length + inFlight }),
    async close() {
      isOpen = false
      await running
      server.close()
      server.closeAllConnections()
    },
  }
}
