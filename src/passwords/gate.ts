import { hashPassword, type Verdict, verifyPassword } from './hash.ts'

/** Milliseconds of one hash at cost 10 in workerd. Each further step of the cost doubles it. */
const HASH_MS_AT_COST_10 = 70

/** Milliseconds of other work that come with a hash: what is served before it, and its own request. */
const SERVED_MS = 30

/**
 * Turns of the event loop between two hashes. A request that arrived during a hash needs several: to be
 * read, to call its dependencies, to read what they return. See docs/performance.md.
 */
const TURNS = { fewest: 4, most: 8 }

/** Milliseconds after which the fewest are enough: clients that are shed and come back must not stop the line. */
const PAUSE_MS = 20

/** Milliseconds after which a place is free again, whatever became of its request. None lasts as long. */
const ABANDONED_AFTER_MS = 30_000

/**
 * One request's place in the queue: the right to hash. Its first hash takes the place; a second one, of a
 * changed password or in place of a cheaper hash, waits like others but has none.
 */
export type HashingPlace = {
  /** A new hash of this password. */
  hash(password: string): Promise<string>
  /** Compares a password with a stored hash: see {@link verifyPassword}. */
  verify(password: string, stored: string | null | undefined): Promise<Verdict>
  /** Gives the place back if it was not used. */
  leave(): void
}

export type HashGate = {
  /** Undefined: the queue is full. */
  admit(): HashingPlace | undefined
}

/**
 * One hash at a time in an isolate, in the order of arrival; between two, the event loop serves what has
 * arrived meanwhile. An isolate is one thread: without this, a burst of logins stops everything else,
 * health checks and the timers of other requests included.
 *
 * @param cost of new hashes
 * @param queueMs how long a request may wait for its hash. It is turned into a number of places, as on
 *   Cloudflare the clock stands still while the CPU works
 */
export function createHashGate({ cost, queueMs }: { cost: number; queueMs: number }): HashGate {
  const hashMs = HASH_MS_AT_COST_10 * 2 ** (cost - 10) + SERVED_MS
  const places = Math.max(1, Math.floor(queueMs / hashMs))
  const inTurn = createLine()
  const taken = new Set<{ since: number }>()

  function admit(): HashingPlace | undefined {
    const now = Date.now()
    for (const each of taken) if (each.since < now - ABANDONED_AFTER_MS) taken.delete(each)
    if (taken.size >= places) return undefined
    const place = { since: now }
    taken.add(place)
    const leave = () => taken.delete(place)
    const use = <Result>(work: () => Promise<Result>) => inTurn(work).finally(leave)
    return {
      hash: (password) => use(() => hashPassword(password, cost)),
      verify: (password, stored) => use(() => verifyPassword(password, stored, cost)),
      leave,
    }
  }
  return { admit }
}

/** Milliseconds without progress after which the one in front is taken for gone: its request was canceled. */
const LOST_AFTER_MS = 10_000

/** Runs one piece of work at a time. One request may wait for a promise that another resolves. */
function createLine() {
  /** Undefined: nobody is in line. */
  let last: Promise<void> | undefined
  let progressAt = 0

  async function reachFront(before: Promise<void>) {
    let reached = false
    const front = before.then(() => {
      reached = true
    })
    do {
      // The timer also tells workerd that this request waits for something and does not hang.
      await Promise.race([front, scheduler.wait(LOST_AFTER_MS)])
    } while (!reached && Date.now() - progressAt < LOST_AFTER_MS)
  }

  return async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    if (before) {
      await reachFront(before)
      await letOthersRun()
    }
    progressAt = Date.now()
    try {
      return await work()
    } finally {
      if (last === promise) last = undefined
      resolve()
    }
  }
}

async function letOthersRun() {
  const end = Date.now() + PAUSE_MS
  for (let turn = 0; turn < TURNS.most; turn++) {
    // Each timer moves the clock on, on Cloudflare too.
    if (turn >= TURNS.fewest && Date.now() >= end) return
    await scheduler.wait(1)
  }
}
