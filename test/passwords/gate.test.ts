import { afterEach, expect, test, vi } from 'vitest'
import { createHashGate } from '../../src/passwords/gate.ts'

const PASSWORD = 'correct horse battery staple'
const SECOND = 1000

afterEach(() => {
  vi.restoreAllMocks()
})

test.each([
  { cost: 10, queueMs: 2 * SECOND, places: 20 },
  { cost: 12, queueMs: 2 * SECOND, places: 6 },
  { cost: 14, queueMs: 500, places: 1 },
])(
  'a gate for hashes of cost $cost has $places places in a queue of $queueMs ms',
  ({ places, ...options }) => {
    const gate = createHashGate(options)
    const admitted = Array.from({ length: places + 5 }, () => gate.admit())
    expect(admitted.filter(Boolean)).toHaveLength(places)
    admitted[0]?.leave()
    expect(gate.admit()).toBeDefined()
    expect(gate.admit()).toBeUndefined()
  },
)

test('hashes are made one at a time, in the order of arrival', async () => {
  const gate = createHashGate({ cost: 10, queueMs: 20 * SECOND })
  const finished: number[] = []
  await Promise.all(
    Array.from({ length: 5 }, async (_, number) => {
      await gate.admit()?.hash(PASSWORD)
      finished.push(number)
    }),
  )
  expect(finished).toEqual([0, 1, 2, 3, 4])
})

test('between two hashes the event loop serves others', async () => {
  const gate = createHashGate({ cost: 10, queueMs: 20 * SECOND })
  let turns = 0
  let hashing = true
  const count = async () => {
    for (; hashing; turns++) await scheduler.wait(1)
  }
  const counted = count()
  await Promise.all(Array.from({ length: 4 }, () => gate.admit()?.hash(PASSWORD)))
  hashing = false
  await counted
  expect(turns).toBeGreaterThanOrEqual(3 * 4)
})

test('the place of a request that was canceled is free again after 30 s', () => {
  const gate = createHashGate({ cost: 10, queueMs: 500 })
  const now = Date.now()
  const clock = vi.spyOn(Date, 'now')
  for (let n = 0; n < 5; n++) gate.admit()
  clock.mockReturnValue(now + 20 * SECOND)
  expect(gate.admit()).toBeUndefined()
  clock.mockReturnValue(now + 31 * SECOND)
  expect(gate.admit()).toBeDefined()
})
