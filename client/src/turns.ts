/**
 * How long a tab waits for another, which may be frozen. What that one has sent, the service answers
 * in the same way for 30 seconds.
 */
const LONGEST_TURN_MS = 10_000

/** Learns whether another tab has had its turn meanwhile. */
type Act<Result> = (hasWaited: boolean) => Promise<Result>

/** Acts when what came before has ended, well or not. */
type InTurn = <Result>(act: Act<Result>) => Promise<Result>

export function withinClient(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const next = last.then(
      () => act(false),
      () => act(false),
    )
    last = next
    return next
  }
}

/** Web Locks. A lock that is not available at once is held by another tab. */
export function amongTabs(name: string): InTurn {
  // The calls of one tab end by themselves. Each waits for the one before: its cookie must come last.
  const inOwnTurn = withinClient()
  return (act) => inOwnTurn(() => whenOthersEnd(name, act))
}

async function whenOthersEnd<Result>(name: string, act: Act<Result>): Promise<Result> {
  const { locks } = navigator
  const first = await locks.request(name, { ifAvailable: true }, async (lock) =>
    lock ? { result: await act(false) } : undefined,
  )
  if (first) return first.result
  const limit = AbortSignal.timeout(LONGEST_TURN_MS)
  return locks
    .request(name, { signal: limit }, () => act(true))
    .catch((error) => {
      if (error === limit.reason) return act(true)
      throw error
    })
}
