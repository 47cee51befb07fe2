/** Milliseconds a result is shared, so that a fleet of monitors costs one probe. */
const SHARED_FOR_MS = 5_000

/** Milliseconds longer while a request probes: more than a probe takes. */
const PROBED_WITHIN_MS = 1_000

/**
 * The last result of an isolate, by what it is about. A promise could not be shared: workerd keeps
 * requests' I/O apart. No result is shared that is older than six seconds: another isolate may have returned
 * a newer one, and a counter that falls looks like a restart to Prometheus.
 */
export function createShared<Subject extends object, Result>() {
  const last = new WeakMap<Subject, { at: number; result: Result; isRenewed: boolean }>()
  return async (subject: Subject, probe: () => Promise<Result>): Promise<Result> => {
    const started = Date.now()
    const known = last.get(subject)
    if (known) {
      const sharedFor = known.isRenewed ? SHARED_FOR_MS + PROBED_WITHIN_MS : SHARED_FOR_MS
      if (started - known.at < sharedFor) return known.result
      known.isRenewed = true
    }
    const result = await probe()
    const newest = last.get(subject)
    if (!newest || newest.at <= started) {
      last.set(subject, { at: started, result, isRenewed: false })
    }
    return result
  }
}
