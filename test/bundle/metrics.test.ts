import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startWorkerd } from '../../scripts/standalone/workerd.ts'
import type {} from '../setup/world.ts'
import { call, type ServedBundle, serveBundle } from './served-bundle.ts'

const TOKEN = 'Zk3vQ8mN1xR5tY7wB2cD4fG6hJ9kL0pS'

/** Its counts are its own: no other test has this one. */
const ENVIRONMENT = 'development'
const PROJECT_NAME = 'Ada "Love" \\ Co'

/** A flush comes ten seconds after the first response that it counts, and a scrape is five seconds old at most. */
const FLUSHED = { timeout: 30_000, interval: 500 }

const FLUSH_MS = 10_000

const CALLS = 300

let isolates: ServedBundle[]

beforeAll(async () => {
  const settings = { METRICS_TOKEN: TOKEN, ENVIRONMENT, PROJECT_NAME }
  isolates = [await serveBundle(settings), await serveBundle(settings)]
})
afterAll(() => Promise.all(isolates.map(({ close }) => close())))

const scrape = async () => (await call(`${isolates[0]?.url}/metrics`, { token: TOKEN })).text

const requestsIn = (text: string) =>
  [
    ...text.matchAll(
      /^http_requests_total\{method="GET",endpoint="\/api\/users\/me",status="401"\} (\d+)$/gm,
    ),
  ].map(([, count]) => Number(count))

test('what fifty callers ask of two isolates is counted exactly, and promtool accepts it', async () => {
  const calls = Array.from({ length: CALLS }, (_, n) => async () => {
    const url = isolates[n % isolates.length]?.url
    const response = await call(`${url}/api/users/me`, { token: `ada@example.com-${n}` })
    expect(response.status).toBe(401)
  })
  const callers = Array.from({ length: 50 }, async () => {
    for (let next = calls.pop(); next; next = calls.pop()) await next()
  })
  await Promise.all(callers)
  let text = ''
  await expect
    .poll(async () => {
      text = await scrape()
      return requestsIn(text)
    }, FLUSHED)
    .toEqual([CALLS])
  expect(text).toContain('name="Ada \\"Love\\" \\\\ Co"} 1\n')
  expect(text).not.toContain('ada@')
  expect(isolates.flatMap((isolate) => isolate.logs()).join()).not.toContain(TOKEN)
  if (hasPromtool()) {
    const check = execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    expect(check).toBe('')
  }
})

test('a batch of emails is acknowledged before its counts are flushed', async () => {
  const worker = await startWorkerd({
    script: isolates[0]?.file ?? '',
    variables: { ...inject('world').bindings, METRICS_TOKEN: TOKEN, ENVIRONMENT },
    mailQueue: '127.0.0.1:9', // Nothing is queued.
  })
  const timestamp = Date.now()
  const messages = [{ id: '1', timestamp, attempts: 1, body: { type: 'owed', id: randomUUID() } }]
  const response = await fetch(`${worker.deliverUrl}/queue`, {
    method: 'POST',
    body: JSON.stringify({ queue: 'edge-accounts-mail', messages }),
  })
  expect(await response.json()).toMatchObject({ outcome: 'ok', retryMessages: [] })
  expect(Date.now() - timestamp).toBeLessThan(FLUSH_MS)
  await worker.stop()
})

function hasPromtool(): boolean {
  try {
    execFileSync('promtool', ['--version'])
    return true
  } catch {
    return false
  }
}
