/**
 * Turns of the event loop between the timer and the abort. Fewer than the hash gate takes, so that no
 * hash comes in between.
 */
const TURNS = 3

/**
 * Like `AbortSignal.timeout`, but never aborts what has arrived already. In a busy isolate a timer fires
 * late, and before the responses that wait to be read; so it lets the event loop read them first.
 */
export function timeoutSignal(milliseconds: number): AbortSignal {
  const controller = new AbortController()
  function abortAfter(turns: number) {
    if (turns === 0) controller.abort(new DOMException('No response in time', 'TimeoutError'))
    else setTimeout(abortAfter, 1, turns - 1)
  }
  setTimeout(abortAfter, milliseconds, TURNS)
  return controller.signal
}
