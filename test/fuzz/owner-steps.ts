/** What the owner of the account can do, with the access token of a session. */
import {
  endSessions,
  type Model,
  openSessions,
  sessionAt,
  type User,
  usableUser,
  withLine,
  withoutReset,
  withSession,
  withUser,
} from './account-model.ts'
import { after, pick, type Response, type Step, shows, type World } from './step.ts'

type Owned = {
  method: string
  path: string
  body?: unknown
  /** The model after the response, of a `user` whose session `id` is open. */
  explain: (open: Open, response: Response) => Model | undefined
}

type Open = { model: Model; user: User; id: string }

/** A request with the access token of a session: 401 unless the session is open. */
const asOwner =
  (index: number, request: (model: Model, world: World) => Owned): Step =>
  (model, world) => {
    const { id, access } = sessionAt(model, index) ?? { id: '', access: 'none' }
    const { method, path, body, explain } = request(model, world)
    return {
      act: () => world.call(method, `/api/users/${path}`, body, access),
      explain(model, response) {
        const user = usableUser(model)
        const isOpen = openSessions(model).some((session) => session.id === id)
        return user && isOpen ? explain({ model, user, id }, response) : after(response, 401, model)
      },
    }
  }

export const readMe = (index: number) =>
  asOwner(index, () => ({
    ...{ method: 'GET', path: 'me' },
    explain: ({ model, user }, response) => (shows(response, user) ? model : undefined),
  }))

type Profile = { username?: string; email?: string; full_name?: string | null }

/** Changes of the profile, by what they are given. */
const PROFILES: Record<string, (n: number, world: World, user: User | null) => Profile> = {
  username: (n, { names }) => ({ username: pick(names, n)?.username ?? '' }),
  email: (n, { names }) => ({ email: pick(names, n)?.email ?? '' }),
  spelling: (_, { names }, user) => ({ email: (user ?? names[0]).email.toUpperCase() }),
  full_name: (n) => ({ full_name: n % 2 ? `Ada ${n}` : null }),
  nothing: () => ({}),
  taken: (_, { taken }) => ({ email: taken, full_name: 'Lost' }),
}

export const FIELDS = Object.keys(PROFILES)

export const updateMe = (index: number, field: string, n: number) =>
  asOwner(index, (model, world) => {
    const fields = PROFILES[field]?.(n, world, model.user) ?? {}
    return {
      ...{ method: 'PUT', path: 'me', body: fields },
      explain({ model, user }, response) {
        if (fields.email === world.taken) return after(response, 409, model)
        const next = { ...user, ...fields }
        if (!shows(response, next)) return undefined
        const updated = withUser(model, fields)
        if (next.email.toLowerCase() !== user.email.toLowerCase()) {
          return withLine(withoutReset(updated), 'email_change')
        }
        const isOther = JSON.stringify(next) !== JSON.stringify(user)
        return isOther ? withLine(updated, 'profile_update') : updated
      },
    }
  })

/** The password that the account has, or another. */
const typed = ({ user }: Model, { passwords }: World, isRight: boolean) =>
  (isRight && user?.password) || `${passwords[0]}, wrong`

export const changePassword = (index: number, word: number, isRight: boolean) =>
  asOwner(index, (model, world) => {
    const [current, password = ''] = [typed(model, world, isRight), pick(world.passwords, word)]
    return {
      ...{ method: 'POST', path: 'change-password' },
      body: { current_password: current, new_password: password },
      explain({ model, user, id }, response) {
        if (user.password !== current) return after(response, 401, model)
        if (password === current) return after(response, 400, model)
        const changed = withoutReset(endSessions(withUser(model, { password }), id))
        return after(response, 200, withLine(changed, 'password_change'))
      },
    }
  })

export const deleteMe = (index: number, isRight: boolean) =>
  asOwner(index, (model, world) => {
    const password = typed(model, world, isRight)
    return {
      ...{ method: 'DELETE', path: 'me', body: { password } },
      explain({ model, user }, response) {
        if (user.password !== password) return after(response, 401, model)
        const deleted = withoutReset(endSessions(withUser(model, { isDeleted: true })))
        return after(response, 204, withLine(deleted, 'account_deleted'))
      },
    }
  })

export const listSessions = (index: number) =>
  asOwner(index, () => ({
    ...{ method: 'GET', path: 'me/sessions' },
    explain({ model }, response) {
      if (response.status !== 200) return undefined
      const listed = response.body.map(({ id }: { id: string }) => id).sort()
      const open = openSessions(model).map((session) => session.id)
      return String(listed) === String(open.sort()) ? model : undefined
    },
  }))

export const revokeSession = (index: number, other: number) =>
  asOwner(index, (model) => {
    const { id = crypto.randomUUID() } = sessionAt(model, other) ?? {}
    return {
      ...{ method: 'DELETE', path: `me/sessions/${id}` },
      explain({ model }, response) {
        const isOpen = openSessions(model).some((session) => session.id === id)
        if (!isOpen) return after(response, 404, model)
        const revoked = withSession(model, id, { isRevoked: true })
        return after(response, 204, withLine(revoked, 'session_revoked'))
      },
    }
  })

export const revokeOtherSessions = (index: number) =>
  asOwner(index, () => ({
    ...{ method: 'DELETE', path: 'me/sessions' },
    explain({ model, id }, response) {
      const ended = endSessions(model, id)
      return after(response, 204, withLine(ended, 'other_sessions_revoked'))
    },
  }))

export const exportMe = (index: number) =>
  asOwner(index, () => ({
    ...{ method: 'GET', path: 'me/export' },
    explain({ model, user }, response) {
      if (response.status !== 200) return undefined
      const { account, sessions, password_reset: reset } = response.body
      const open = sessions.items.filter(({ is_open }: { is_open: boolean }) => is_open)
      const agrees =
        shows({ status: 200, body: account }, user) &&
        open.length === openSessions(model).length &&
        (reset !== null) === (model.reset !== null)
      return agrees ? withLine(model, 'data_exported') : undefined
    },
  }))
