import { useSyncExternalStore } from 'react'
import { Notice } from './Notice.tsx'

const EVENTS = ['online', 'offline']

function subscribe(listener: () => void) {
  for (const event of EVENTS) addEventListener(event, listener)
  return () => {
    for (const event of EVENTS) removeEventListener(event, listener)
  }
}

export function OfflineNotice() {
  const isOnline = useSyncExternalStore(subscribe, () => navigator.onLine)
  return isOnline ? null : <Notice kind="neutral">You are offline. Nothing can be saved.</Notice>
}
