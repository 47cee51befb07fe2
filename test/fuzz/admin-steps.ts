/** What a superadmin and the cron can do to the account. */
import {
  endSessions,
  erased,
  type Model,
  type User,
  withLine,
  withoutReset,
  withUser,
} from './account-model.ts'
import { after, type Response, type Step, shows } from './step.ts'

type Explain = (model: Model, user: User, response: Response) => Model | undefined

/** A request about the user: 404 once there is none. */
const asAdmin =
  (method: string, path: string, body: unknown, explain: Explain): Step =>
  ({ lastId: id }, { call, admin }) => {
    return {
      act: () => call(method, `/api/admins/users/${id}${path}`, body, admin),
      explain: (model, response) =>
        model.user?.id === id ? explain(model, model.user, response) : after(response, 404, model),
    }
  }

export const readUser = () =>
  asAdmin('GET', '', undefined, (model, user, response) =>
    shows(response, user) ? model : undefined,
  )

type Fields = { is_active?: boolean; is_superuser?: boolean; full_name?: string | null }

export const updateUser = (fields: Fields) =>
  asAdmin('PATCH', '', fields, (model, user, response) => {
    if (user.isDeleted) return after(response, 404, model)
    const next = { ...user, ...fields }
    if (!shows(response, next)) return undefined
    if (JSON.stringify(next) === JSON.stringify(user)) return model
    const updated = withLine(withUser(model, fields), 'user_updated')
    if (user.is_active && !next.is_active) return withoutReset(endSessions(updated))
    return user.is_superuser && !next.is_superuser ? endSessions(updated) : updated
  })

export const deleteUser = () =>
  asAdmin('DELETE', '', undefined, (model, user, response) => {
    if (user.isDeleted) return after(response, 404, model)
    const deleted = withoutReset(endSessions(withUser(model, { isDeleted: true })))
    return after(response, 204, withLine(deleted, 'user_deleted'))
  })

export const restoreUser = () =>
  asAdmin('POST', '/restore', undefined, (model, user, response) => {
    if (!shows(response, user)) return undefined
    const restored = withLine(withUser(model, { isDeleted: false }), 'user_restored')
    return user.isDeleted ? restored : model
  })

export const revokeUserSessions = () =>
  asAdmin('DELETE', '/sessions', undefined, (model, _, response) =>
    after(response, 204, withLine(endSessions(model), 'user_sessions_revoked')),
  )

export const eraseUser = () =>
  asAdmin('DELETE', '?erase=true', undefined, (model, user, response) =>
    user.isDeleted ? after(response, 204, erased(model)) : after(response, 409, model),
  )

/** It has nothing to do with an account that is in use. */
export const runCron =
  (): Step =>
  (_, { runCron }) => ({ act: runCron, explain: (model) => model })
