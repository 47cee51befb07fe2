/** One account as its owner and an admin know it: what every response follows from. */

export type Session = {
  id: string
  /** One of its access tokens. */
  access: string
  /** Its refresh tokens, the newest last. */
  refresh: string[]
  /** Whether the one before the newest still gets the same successor. */
  isInGrace: boolean
  /** Ended by itself, or with others of the account. */
  isRevoked: boolean
  isEnded: boolean
}

export type User = {
  id: number
  username: string
  email: string
  full_name: string | null
  is_active: boolean
  is_superuser: boolean
  isDeleted: boolean
  password: string
}

/** Never changed: each step makes another. */
export type Model = {
  /** None before registration, and once it was erased. */
  user: User | null
  /** Those of earlier lives too, whose tokens must not work. */
  sessions: Session[]
  /** The token of the open reset. */
  reset: string | null
  /** The id of the user, or of the one before. */
  lastId: number
  /** Successful acts in the audit trail, by action. */
  lines: Record<string, number>
}

export const UNREGISTERED: Model = {
  ...{ user: null, sessions: [], reset: null },
  ...{ lastId: 2 ** 31 - 1, lines: {} },
}

/** The user, if it may be used. */
export const usableUser = ({ user }: Model) =>
  user?.is_active && !user.isDeleted ? user : undefined

export const isOpen = (model: Model, session: Session) =>
  usableUser(model) !== undefined && !session.isRevoked && !session.isEnded

export const openSessions = (model: Model) =>
  model.sessions.filter((session) => isOpen(model, session))

/** One of the sessions, mostly an open one. */
export function sessionAt(model: Model, index: number): Session | undefined {
  const sessions = index % 4 === 0 ? model.sessions : openSessions(model)
  return sessions[Math.floor(index / 4) % sessions.length]
}

export const withUser = (model: Model, fields: Partial<User>): Model => ({
  ...model,
  user: model.user && { ...model.user, ...fields },
})

export const withSession = (model: Model, id: string, fields: Partial<Session>): Model => ({
  ...model,
  sessions: model.sessions.map((each) => (each.id === id ? { ...each, ...fields } : each)),
})

export const withLine = (model: Model, action: string): Model => ({
  ...model,
  lines: { ...model.lines, [action]: (model.lines[action] ?? 0) + 1 },
})

export const withoutReset = (model: Model): Model => ({ ...model, reset: null })

/** Nothing of the account is left. */
export const erased = (model: Model): Model => ({
  ...UNREGISTERED,
  lastId: model.lastId,
  sessions: model.sessions.map((each) => ({ ...each, isRevoked: true })),
})

/** Ends all sessions, but for one. */
export const endSessions = (model: Model, spared?: string): Model => ({
  ...model,
  sessions: model.sessions.map((each) => (each.id === spared ? each : { ...each, isEnded: true })),
})
