/** What the database has of an account, by its id. */
import { type Model, openSessions } from './account-model.ts'

export const EVERYTHING = `
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

export type State = {
  open: string[]
  resets: number
  lines: Record<string, number> | null
  kept: number
}

const sorted = (lines: Record<string, number>) => JSON.stringify(Object.entries(lines).sort())

/** Whether that is what the model has, and nothing of an erased account. */
export function agrees(model: Model, { open, resets, lines, kept }: State): boolean {
  if (!model.user) return kept === 0
  const expected = openSessions(model).map(({ id }) => id)
  return (
    String(open) === String(expected.sort()) &&
    resets === (model.reset === null ? 0 : 1) &&
    sorted(lines ?? {}) === sorted(model.lines)
  )
}
