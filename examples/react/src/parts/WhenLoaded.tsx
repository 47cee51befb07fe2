import type { ReactNode } from 'react'
import type { Loaded } from '../load.ts'
import { messageOf } from '../messages.ts'
import { Notice } from './Notice.tsx'

type WhenLoadedProps<Data> = { loaded: Loaded<Data>; children: (data: Data) => ReactNode }

/** What a page shows: gray bars until it has loaded, or why it has not. */
export function WhenLoaded<Data>({ loaded, children }: WhenLoadedProps<Data>) {
  const { data, error, isLoading, reload } = loaded
  return (
    <>
      {error !== undefined && (
        <Notice kind="bad">
          {messageOf(error)}{' '}
          <button type="button" className="link" onClick={reload}>
            Try again
          </button>
        </Notice>
      )}
      {data !== undefined && <div aria-busy={isLoading}>{children(data)}</div>}
      {data === undefined && isLoading && (
        <div className="skeleton" role="status">
          <span className="unseen">Loading</span>
        </div>
      )}
    </>
  )
}
