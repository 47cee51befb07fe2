/**
 * How long a tab waits for its turn. The one before it may be frozen. What that one has sent, the service
 * answers in the same way for 30 seconds.
 */
const LONGEST_TURN_MS = 10_000

/**
 * Acts when what came before has ended, well or not.
 *
 * @param act learns whether another has had its turn meanwhile
 */
type InTurn = <Result>(act: (hasWaited: boolean) => Promise<Result>) => Promise<Result>

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

/** Web Locks. A lock that is not available at once is held by another call or tab. */
export const amongTabs =
  (name: string): InTurn =>
  async (act) => {
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
