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
  const clock = vi.spyOn(Date, 'now').mockReturnValue(now)
  for (let n = 0; n < 5; n++) gate.admit()
  clock.mockReturnValue(now + 30 * SECOND)
  expect(gate.admit()).toBeUndefined()
  clock.mockReturnValue(now + 30 * SECOND + 1)
  expect(gate.admit()).toBeDefined()
})

/** Hashes that no password has: comparing takes as long. */
const ofCost = (cost: string) => `$2b$${cost}$${'a'.repeat(53)}`
const [cheap, expensive] = [ofCost('04'), ofCost('14')]

/** A gate whose work takes as long as the stored hash is expensive, and the order in which it ended. */
function observedGate() {
  const gate = createHashGate({ cost: 4, queueMs: 20 * SECOND })
  const ended: string[] = []
  const verify = async (name: string, stored: string) => {
    await gate.admit()?.verify(PASSWORD, stored)
    ended.push(name)
  }
  return { ended, verify }
}

/** Timers that end at once, and a clock that each turn, and nothing else, moves on by so many milliseconds. */
function watchTimers(step: number) {
  let now = Date.now()
  vi.spyOn(Date, 'now').mockImplementation(() => now)
  const wait = scheduler.wait.bind(scheduler)
  return vi.spyOn(scheduler, 'wait').mockImplementation(async (asked) => {
    await wait(0)
    if (asked === 1) now += step
  })
}

const turnsIn = (timers: ReturnType<typeof watchTimers>) =>
  timers.mock.calls.filter(([asked]) => asked === 1).length

test.each([
  ['four turns of the event loop are enough once 20 ms have passed', 5, 4],
  ['a clock that stands still gets eight', 0, 8],
])('between two hashes, %s', async (_, step, turns) => {
  const timers = watchTimers(step)
  const { verify } = observedGate()
  await Promise.all([verify('first', cheap), verify('second', cheap)])
  expect(turnsIn(timers)).toBe(turns)
})

test('who finds nobody in line does not wait', async () => {
  const timers = watchTimers(0)
  const { verify } = observedGate()
  await verify('first', cheap)
  await verify('second', cheap)
  expect(timers).not.toHaveBeenCalled()
})

test('who comes while the second hash is made is the third', async () => {
  const { ended, verify } = observedGate()
  const first = verify('first', cheap)
  const second = verify('second', expensive)
  await first
  await Promise.all([second, verify('third', cheap)])
  expect(ended).toEqual(['first', 'second', 'third'])
})

test.each([
  ['1 s', SECOND, ['first', 'second']],
  ['10 s', 10 * SECOND, ['second', 'first']],
])(
  'after %s without progress, the next in line goes only if it was ten',
  async (_, passed, order) => {
    const { ended, verify } = observedGate()
    let ahead = 0
    const now = Date.now.bind(Date)
    // bcryptjs yields by this clock as well, so it has to run.
    vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
    const wait = scheduler.wait.bind(scheduler)
    vi.spyOn(scheduler, 'wait').mockImplementation(async (asked) => {
      if (asked > 1) ahead = passed
      await wait(1)
    })
    await Promise.all([verify('first', expensive), verify('second', cheap)])
    expect(ended).toEqual(order)
  },
)
