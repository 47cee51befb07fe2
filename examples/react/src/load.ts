import { useEffect, useState } from 'react'

export type Loaded<Data> = {
  /** Undefined until it has arrived. While it is loaded again, what was there before. */
  data: Data | undefined
  error: unknown
  isLoading: boolean
  reload: () => void
}

/**
 * Loads what a page shows, again when `load` is another function: define it outside the component or with
 * `useCallback`. A call whose result is no longer wanted is aborted.
 */
export function useLoad<Data>(load: (signal: AbortSignal) => Promise<Data>): Loaded<Data> {
  const [request, setRequest] = useState({ load })
  const [state, setState] = useState<{ request?: object; data?: Data; error?: unknown }>({})
  if (request.load !== load) setRequest({ load })

  useEffect(() => {
    const aborting = new AbortController()
    request.load(aborting.signal).then(
      (data) => aborting.signal.aborted || setState({ request, data }),
      (error) => aborting.signal.aborted || setState({ request, error }),
    )
    return () => aborting.abort()
  }, [request])

  const isLoading = state.request !== request
  return {
    data: state.data,
    error: isLoading ? undefined : state.error,
    isLoading,
    reload: () => setRequest({ load }),
  }
}
