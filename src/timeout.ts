/** Turns of the event loop after the timer, without work: fewer than the hash gate takes between two hashes. */
const TURNS = 3

/** Milliseconds. A turn that takes longer had something to do. */
const QUIET_MS = 10

/** Milliseconds after the time is over when it is, however busy the isolate. */
const LONGEST_MS = 60

/**
 * Resolves when the time is over and what had arrived by then has been read. In a busy isolate a timer
 * fires late, and before the responses that wait to be read; so the event loop goes on until it has
 * nothing left to read.
 */
export function timePassed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    function waitForQuiet(end: number) {
      let [turns, quiet, turned] = [0, 0, Date.now()]
      function turn() {
        const now = Date.now()
        turns++
        quiet = now - turned <= QUIET_MS ? quiet + 1 : 0
        turned = now
        if (quiet >= TURNS || (turns >= TURNS && now >= end)) resolve()
        else setTimeout(turn, 1)
      }
      setTimeout(turn, 1)
    }
    setTimeout(() => waitForQuiet(Date.now() + LONGEST_MS), milliseconds)
  })
}

/** Like `AbortSignal.timeout`, but never aborts what has arrived already. */
export function timeoutSignal(milliseconds: number): AbortSignal {
  const controller = new AbortController()
  timePassed(milliseconds).then(() =>
    controller.abort(new DOMException('No response in time', 'TimeoutError')),
  )
  return controller.signal
}
