/** Milliseconds a result is shared, so that a fleet of monitors costs one probe. */
const SHARED_FOR_MS = 5_000

/**
 * The last result of an isolate, by what it is about. A promise could not be shared: workerd keeps
 * requests' I/O apart.
 */
export function createShared<Subject extends object, Result>() {
  const last = new WeakMap<Subject, { at: number; result: Result }>()
  return async (subject: Subject, probe: () => Promise<Result>): Promise<Result> => {
    const known = last.get(subject)
    const age = known ? Date.now() - known.at : Number.POSITIVE_INFINITY
    if (known && age < SHARED_FOR_MS) return known.result
    // Others get the last result while this request probes, but not one of an hour ago: counters would fall, which
    // Prometheus takes for a restart.
    if (known && age < 2 * SHARED_FOR_MS) known.at = Date.now()
    const result = await probe()
    last.set(subject, { at: Date.now(), result })
    return result
  }
}
