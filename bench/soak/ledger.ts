/** What clients have seen of an account. The database has to agree. */

/** How often something was done: `sure` by its response, `maybe` where a 503 leaves it open. */
export type Count = { sure: number; maybe: number }

type Session = {
  /** Successful rotations. `isOpen`: whether a further one was attempted without a response. */
  refreshes: number
  isOpen: boolean
  /** The response to a logout was 204. */
  hasEnded: boolean
}

export type AccountLedger = {
  username: string
  email: string
  /** Rows: 1 after a 201, at most 1 after a 503. */
  registered: Count
  logins: Count
  passwordChanges: Count
  resets: Count
  /** By the id in their refresh tokens. */
  sessions: Map<string, Session>
  /** What the stored value may be. */
  passwords: Set<string>
  fullNames: Set<string | null>
  isActive: Set<boolean>
  isDeleted: Set<boolean>
}

export const newLedger = (username: string, email: string, password: string): AccountLedger => ({
  ...{ username, email, registered: none(), logins: none(), passwordChanges: none() },
  ...{ resets: none(), sessions: new Map(), passwords: new Set([password]) },
  ...{ fullNames: new Set([null]), isActive: new Set([true]), isDeleted: new Set([false]) },
})

const none = (): Count => ({ sure: 0, maybe: 0 })

export const isWithin = (value: number, { sure, maybe }: Count) =>
  value >= sure && value <= sure + maybe

/** After a write: the new value, or both if its response was lost. */
export function noteWrite<Value>(values: Set<Value>, value: Value, isSure: boolean) {
  if (isSure) values.clear()
  values.add(value)
}
