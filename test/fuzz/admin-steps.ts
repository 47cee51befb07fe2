/** What a superadmin and the cron can do to the account. */
import {
  endSessions,
  erased,
  type Model,
  openSessions,
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

const EVERYTHING = `
  select
    array(select s.id from user_sessions s join users u on u.id = s.account_id
      where u.id = $1 and s.revoked_at is null and u.is_active and u.deleted_at is null
        and (s.epoch = u.session_epoch or s.id = u.kept_session) order by s.id) as open,
    (select count(*)::int from password_resets r join users u on u.id = r.user_id
      where u.id = $1 and r.issued_at > coalesce(u.resets_void_until, '-infinity')) as resets,
    (select json_object_agg(action, lines) from (
      select action, count(*) as lines from audit_events
      where outcome = 'success' and (target_kind, target_id) = ('user', $1) group by 1
    ) as counts) as lines,
    (select count(*)::int from (
      select account_id from user_sessions union all select account_id from user_networks
      union all select user_id from outbox union all select user_id from password_resets
      union all select id from users
    ) as kept (user_id) where user_id = $1) as kept`

const sorted = (lines: Record<string, number>) => JSON.stringify(Object.entries(lines).sort())

/** Whether the database has what the model has, and nothing of an erased account. */
export const look =
  (): Step =>
  ({ lastId }, { sql }) => ({
    act: () => sql(EVERYTHING, [lastId]),
    explain(model, response) {
      const { open, resets, lines, kept } = response.body[0]
      if (model.user?.id !== lastId) return kept === 0 ? model : undefined
      const expected = openSessions(model).map(({ id }) => id)
      const agrees =
        String(open) === String(expected.sort()) &&
        resets === (model.reset === null ? 0 : 1) &&
        sorted(lines) === sorted(model.lines)
      return agrees ? model : undefined
    },
  })
