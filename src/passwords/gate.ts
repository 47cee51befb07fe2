import { hashPassword, type Verdict, verifyPassword } from './hash.ts'

/** Milliseconds of one hash at cost 10 in workerd. Each further step of the cost doubles it. */
const HASH_MS_AT_COST_10 = 70

/** Milliseconds of other work that come with a hash: what is served before it, and its own request. */
const SERVED_MS = 30

/** Places at any cost: changing a password needs two. */
const FEWEST_PLACES = 2

/**
 * Turns of the event loop between two hashes. A request that arrived during a hash needs several: to be
 * read, to call its dependencies, to read what they return. See docs/performance.md.
 */
const TURNS = { fewest: 4, most: 8 }

/** Milliseconds after which the fewest are enough: clients that are shed and come back must not stop the line. */
const PAUSE_MS = 20

/** Milliseconds after which a place is free again, whatever became of its request. None lasts as long. */
const ABANDONED_AFTER_MS = 30_000

/** One request's place in the queue: the right to hash. */
export type HashingPlace = {
  /** A new hash of this password. */
  hash(password: string): Promise<string>
  /** Compares a password with a stored hash: see {@link verifyPassword}. */
  verify(password: string, stored: string | null | undefined): Promise<Verdict>
  /** Gives back what was not used. */
  leave(): void
}

export type HashGate = {
  /** Undefined: the queue is full. `hashes` is how many the request will need at most. */
  admit(hashes: number): HashingPlace | undefined
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
  const places = Math.max(FEWEST_PLACES, Math.floor(queueMs / hashMs))
  const inTurn = createLine()
  /** The hashes that admitted requests have not begun yet or not finished. */
  const pending = new Set<{ admittedAt: number }>()

  function admit(hashes: number): HashingPlace | undefined {
    const now = Date.now()
    for (const each of pending) {
      if (each.admittedAt < now - ABANDONED_AFTER_MS) pending.delete(each)
    }
    if (pending.size + hashes > places) return undefined
    const own = Array.from({ length: hashes }, () => ({ admittedAt: now }))
    for (const each of own) pending.add(each)

    async function use<Result>(work: () => Promise<Result>): Promise<Result> {
      const used = own.pop()
      try {
        return await inTurn(work)
      } finally {
        if (used) pending.delete(used)
      }
    }
    return {
      hash: (password) => use(() => hashPassword(password, cost)),
      verify: (password, stored) => use(() => verifyPassword(password, stored, cost)),
      leave() {
        for (const each of own) pending.delete(each)
      },
    }
  }
  return { admit }
}

/** Milliseconds after which the one before is taken for gone: its request was canceled in the line. */
const LOST_AFTER_MS = 10_000

/** Runs one piece of work at a time. One request may wait for a promise that another resolves. */
function createLine() {
  let last: Promise<void> = Promise.resolve()
  let length = 0

  return async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    length++
    try {
      if (length > 1) {
        // The timer also tells workerd that this request waits for something and does not hang.
        await Promise.race([before, scheduler.wait(LOST_AFTER_MS)])
        await letOthersRun()
      }
      return await work()
    } finally {
      length--
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
