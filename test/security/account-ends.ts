/** Which ends of two acts on one account some order of them explains. */
import { expect } from 'vitest'
import { type Account, type Effect, LINES } from './account-acts.ts'

const MAX_OPEN_SESSIONS = 50

/** How the account is before: by assignments of SQL, and whether it has an open reset. */
export type Start = { before: string[]; hasReset: boolean }

/** Not disabled or deleted, which would have ended its sessions. */
export const startsUsable = (before: string[]) =>
  !before.some((set) => set.includes('session_epoch'))

/** What the database has of an account afterwards. */
export type State = {
  account: Record<string, unknown> | null
  open: string[]
  revoked: number
  resets: number
  mails: Record<string, number> | null
  lines: Record<string, number> | null
  totals: { active: number; inactive: number; users: number; inactive_users: number }
}

/** What ends every session, the acting one too. */
const END_ALL: Effect[] = [
  ...(['disabled', 'demoted', 'user_deleted', 'account_deleted'] as const),
  ...(['user_sessions_revoked', 'password_reset'] as const),
]
const END_OTHERS: Effect[] = ['password_change', 'other_sessions_revoked']

/** What leaves no open reset behind. */
const CLOSE_RESETS: Effect[] = [
  ...(['disabled', 'user_deleted', 'account_deleted', 'email_change'] as const),
  ...(['password_change', 'password_reset'] as const),
]

/** Each of these makes the other impossible, whichever comes first. */
const EXCLUSIVE: [Effect, Effect][] = [
  ['password_change', 'password_reset'],
  ['password_change', 'account_deleted'],
  ['password_reset', 'account_deleted'],
  ['password_reset', 'email_change'],
]

type End = Start & { effects: Effect[]; account: Account; state: State }

/** How often the acts had any of these effects. */
type Times = (...effects: Effect[]) => number

export function expectExplained(end: End) {
  const times: Times = (...those) => end.effects.filter((each) => those.includes(each)).length
  expectLines(end)
  for (const pair of EXCLUSIVE) {
    const both = pair.every((effect) => times(effect) > 0)
    expect(both, `${pair} exclude each other`).toBe(false)
  }
  const { totals } = end.state
  expect([totals.active, totals.inactive]).toEqual([totals.users, totals.inactive_users])
  if (times('user_erased') > 0) {
    expect(times('user_erased')).toBe(1)
    expect(end.state).toMatchObject({ account: null, open: [], revoked: 0, resets: 0, mails: null })
    return
  }
  const isUsable = expectAccount(end, times)
  expectResets(end, times)
  expectSessions(end, times, isUsable)
}

/** The audit trail has a line for each effect. */
function expectLines({ effects, state: { lines } }: End) {
  const expected: Record<string, number> = {}
  for (const effect of effects) {
    if (effect === 'refresh') continue
    expected[LINES[effect]] = (expected[LINES[effect]] ?? 0) + 1
  }
  const { oldest_session_ended, ...written } = lines ?? {}
  expect(written).toEqual(expected)
}

/** @returns whether the account may be used */
function expectAccount({ before, state: { account, mails } }: End, times: Times) {
  const had = (column: string) => Number(before.some((set) => set.startsWith(column)))
  const disabled = had('is_active') + times('disabled') - times('enabled')
  const elevated = had('is_superuser') + times('promoted') - times('demoted')
  const deleted =
    had('deleted_at') + times('user_deleted', 'account_deleted') - times('user_restored')
  const versions = times('password_change', 'password_reset')
  const { is_active, is_superuser = false, deleted_at, password_version } = account ?? {}
  expect([
    Number(!is_active),
    Number(is_superuser),
    Number(deleted_at !== null),
    password_version,
  ]).toEqual([disabled, elevated, deleted, versions])
  const { 'password-changed': changed = 0, 'email-changed': moved = 0 } = mails ?? {}
  expect([changed, moved]).toEqual([versions, 2 * times('email_change')])
  return disabled + deleted === 0
}

function expectResets({ hasReset, state: { resets } }: End, times: Times) {
  const left = hasReset && times(...CLOSE_RESETS) === 0 ? 1 : 0
  if (times('password_reset_requested') > 0) expect(resets).toBeLessThanOrEqual(1)
  else expect(resets).toBe(left)
}

function expectSessions({ before, account, state }: End, times: Times, isUsable: boolean) {
  const { open, resets, revoked } = state
  if (!isUsable) expect({ open, resets }).toEqual({ open: [], resets: 0 })
  const { oldest_session_ended: capped = 0 } = state.lines ?? {}
  const ended = times('logout', 'session_revoked')
  const endsAll = !startsUsable(before) || times(...END_ALL) > 0
  // Logging out of a session that is over already writes no line, but ends it for good.
  const silently = Number(endsAll)
  expect([ended + capped, ended + capped + silently]).toContain(revoked)
  expect(open.length).toBeLessThanOrEqual(MAX_OPEN_SESSIONS)
  if (!isUsable || capped > 0) return

  const endsOthers = endsAll || times(...END_OTHERS) > 0
  expect(open.includes(account.current)).toBe(!endsAll && times('logout') === 0)
  expect(open.includes(account.other)).toBe(!endsOthers && times('session_revoked') === 0)
  // Logins with the old password are over, whether they came before the new one or after.
  const isChanged = times('password_change', 'password_reset') > 0
  if (isChanged) expect(open.length).toBe(Number(open.includes(account.current)))
  else if (!endsOthers) expect(open).toHaveLength(3 - ended + times('login', 'exchange'))
}
