import { expect, inject, test } from 'vitest'
import { timeoutSignal } from '../src/timeout.ts'
import { openLane } from './setup/lanes.ts'

/** Milliseconds. */
const TIMEOUT = 100

const lane = await openLane(inject('world').faultProxyUrl, 'neon')

/** Keeps the isolate busy, as a hash does. */
function block(milliseconds: number) {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

test('a response that arrives while the isolate is busy is read, though its time is over by then', async () => {
  await lane.fault({ kind: 'status', status: 200, body: 'arrived' })
  const responses = Array.from({ length: 5 }, async () =>
    (await fetch(lane.url, { signal: timeoutSignal(TIMEOUT) })).text(),
  )
  // The requests are sent.
  await scheduler.wait(1)
  block(5 * TIMEOUT)
  expect(await Promise.all(responses)).toEqual(Array(5).fill('arrived'))
})

test('a response that does not arrive is not waited for', async () => {
  await lane.fault({ kind: 'hang' })
  const started = performance.now()
  await expect(fetch(lane.url, { signal: timeoutSignal(TIMEOUT) })).rejects.toThrow(
    expect.objectContaining({ name: 'TimeoutError' }),
  )
  expect(performance.now() - started).toBeLessThan(50 * TIMEOUT)
})
