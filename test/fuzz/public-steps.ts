/** What anybody can do: register, log in, use refresh tokens and reset links. */
import { decodeJwt } from 'jose'
import {
  endSessions,
  isOpen,
  sessionAt,
  usableUser,
  withLine,
  withoutReset,
  withSession,
  withUser,
} from './account-model.ts'
import { after, pick, type Step, shows } from './step.ts'

export const register =
  (name: number, word: number): Step =>
  ({ user }, { call, names, passwords }) => {
    const { username, email } = user ?? pick(names, name) ?? names[0]
    const fields = { username, email, password: pick(passwords, word) ?? '' }
    return {
      act: () => call('POST', '/api/users/register', fields),
      explain(model, response) {
        if (model.user) return after(response, 409, model)
        const flags = { is_active: true, is_superuser: false, isDeleted: false }
        const { id } = response.body
        const user = { ...fields, ...flags, id, full_name: null }
        const registered = { ...model, user, lastId: id, lines: { register: 1 } }
        return shows(response, user, 201) ? registered : undefined
      },
    }
  }

export const login =
  (by: 'username' | 'email', isRight: boolean, other: number): Step =>
  ({ user }, { call, names, passwords }) => {
    const { [by]: name } = user ?? pick(names, other) ?? names[0]
    const password = (isRight && user?.password) || (pick(passwords, other) ?? '')
    const identifier = name.toUpperCase()
    return {
      act: () => call('POST', '/api/users/login', { username: identifier, password }),
      explain(model, response) {
        const account = usableUser(model)
        const isKnown = account?.[by].toUpperCase() === identifier
        if (!isKnown || account.password !== password) return after(response, 401, model)
        if (response.status !== 200) return undefined
        const { access_token: access, refresh_token } = response.body
        const { sid: id } = decodeJwt<{ sid: string }>(access)
        const flags = { isInGrace: false, isRevoked: false, isEnded: false }
        const sessions = [...model.sessions, { id, access, refresh: [refresh_token], ...flags }]
        return withLine({ ...model, sessions }, 'login')
      },
    }
  }

/** Presents the newest refresh token of a session, or one that is this much older. */
export const refresh =
  (index: number, age: number): Step =>
  (model, { call }) => {
    const { id = '', refresh: tokens = [] } = sessionAt(model, index) ?? {}
    const token = tokens[Math.max(0, tokens.length - 1 - age)] ?? 'none'
    return {
      act: () => call('POST', '/api/users/refresh', { refresh_token: token }),
      explain(model, response) {
        const session = model.sessions.find((each) => each.id === id)
        if (!session || !isOpen(model, session)) return after(response, 401, model)
        const newest = session.refresh.at(-1)
        const { access_token: access, refresh_token: next } = response.body
        if (token === newest) {
          const refresh = [...session.refresh, next]
          const isNew = response.status === 200 && !session.refresh.includes(next)
          return isNew ? withSession(model, id, { access, refresh, isInGrace: true }) : undefined
        }
        if (session.isInGrace && token === session.refresh.at(-2)) {
          return next === newest ? after(response, 200, model) : undefined
        }
        // Stolen: the session ends.
        return after(response, 401, withSession(model, id, { isRevoked: true }))
      },
    }
  }

/** The time passes in which the token before the newest works. */
export const endGrace =
  (index: number): Step =>
  (model, { sql }) => {
    const { id = crypto.randomUUID() } = sessionAt(model, index) ?? {}
    const past = "update user_sessions set rotated_at = rotated_at - interval '31 s' where id = $1"
    return {
      act: () => sql(past, [id]),
      explain: (model) => withSession(model, id, { isInGrace: false }),
    }
  }

export const logout =
  (index: number): Step =>
  (model, { call }) => {
    const { id, refresh: [token] = ['none'] } = sessionAt(model, index) ?? {}
    return {
      act: () => call('POST', '/api/users/logout', { refresh_token: token }),
      explain(model, response) {
        const session = model.sessions.find((each) => each.id === id)
        if (!session || session.isRevoked) return after(response, 204, model)
        const ended = withSession(model, session.id, { isRevoked: true })
        return after(response, 204, isOpen(model, session) ? withLine(ended, 'logout') : ended)
      },
    }
  }

/** Asks for a reset link, and has it sent. */
export const forgotPassword =
  (name: number, isRight: boolean): Step =>
  ({ user }, { call, deliverResets, names }) => {
    const { email } = (isRight && user) || (pick(names, name) ?? names[0])
    let token: string | null = null
    return {
      async act() {
        const response = await call('POST', '/api/password/forgot-password', { email })
        token = await deliverResets()
        return response
      },
      explain(model, response) {
        const isKnown = usableUser(model)?.email.toLowerCase() === email.toLowerCase()
        const requested = withLine({ ...model, reset: token }, 'password_reset_requested')
        return after(response, 200, isKnown ? requested : model)
      },
    }
  }

export const resetPassword =
  (word: number): Step =>
  ({ user, reset }, { call, lastReset, passwords }) => {
    const token = reset ?? lastReset()
    // Another one: a login meanwhile with the old password is rejected, even if it is the new one.
    const others = passwords.filter((each) => each !== user?.password)
    const password = pick(others, word) ?? ''
    const body = { token, new_password: password }
    return {
      act: () => call('POST', '/api/password/reset-password', body),
      explain(model, response) {
        if (!usableUser(model) || model.reset !== token) return after(response, 400, model)
        const changed = withoutReset(endSessions(withUser(model, { password })))
        return after(response, 200, withLine(changed, 'password_reset'))
      },
    }
  }
