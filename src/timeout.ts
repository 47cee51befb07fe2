/**
 * Turns of the event loop between the timer and the end. Fewer than the hash gate takes, so that no
 * hash comes in between.
 */
const TURNS = 3

/**
 * Resolves when the time is over and what had arrived by then could be read. In a busy isolate a timer
 * fires late, and before the responses that wait to be read; so it lets the event loop read them first.
 */
export function timePassed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    function endAfter(turns: number) {
      if (turns === 0) resolve()
      else setTimeout(endAfter, 1, turns - 1)
    }
    setTimeout(endAfter, milliseconds, TURNS)
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
