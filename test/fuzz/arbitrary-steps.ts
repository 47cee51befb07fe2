/** The steps of a life, with whatever they are taken with. */
import * as fc from 'fast-check'
import * as admin from './admin-steps.ts'
import * as owner from './owner-steps.ts'
import * as anybody from './public-steps.ts'
import type { Step } from './step.ts'

export type NamedStep = { name: string; step: Step; toString(): string }

const named = <Values extends unknown[]>(
  name: string,
  make: (...values: Values) => Step,
  ...values: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> }
): fc.Arbitrary<NamedStep> =>
  fc.tuple<Values>(...values).map((given) => ({
    name,
    step: make(...given),
    toString: () => `${name}(${given.map((value) => JSON.stringify(value))})`,
  }))

/** Picks one of what there is. */
const any = fc.nat(15)
const mostly = fc.integer({ min: 0, max: 3 }).map((part) => part > 0)

/** What makes an account usable. */
export const REVIVALS = ['register', 'restore', 'enable']

const byName = fc.constantFrom('username' as const, 'email' as const)
const profile = fc.oneof(
  fc.record({ is_superuser: fc.boolean() }),
  fc.record({ full_name: fc.constantFrom('Ada', null) }),
)

/** What can be done over and over. */
const LASTING = [
  named('log in', anybody.login, byName, mostly, any),
  named('log in', anybody.login, byName, fc.constant(true), any),
  named('refresh', anybody.refresh, any, fc.constantFrom(0, 0, 0, 1, 1, 2)),
  named('end grace', anybody.endGrace, any),
  named('forgot password', anybody.forgotPassword, any, mostly),
  named('read me', owner.readMe, any),
  named('update me', owner.updateMe, any, fc.constantFrom(...owner.FIELDS), any),
  named('change password', owner.changePassword, any, any, mostly),
  named('list sessions', owner.listSessions, any),
  named('revoke session', owner.revokeSession, any, any),
  named('revoke other sessions', owner.revokeOtherSessions, any),
  named('export', owner.exportMe, any),
  named('update user', admin.updateUser, profile),
]

/** What ends all sessions, or the account, or begins it. */
const TURNS = [
  named('register', anybody.register, any, any),
  named('restore', admin.restoreUser),
  named('enable', () => admin.updateUser({ is_active: true })),
  named('log out', anybody.logout, any),
  named('reset password', anybody.resetPassword, any),
  named('delete me', owner.deleteMe, any, mostly),
  named('read user', admin.readUser),
  named('disable', () => admin.updateUser({ is_active: false })),
  named('delete', admin.deleteUser),
  named('revoke all sessions', admin.revokeUserSessions),
  named('erase', admin.eraseUser),
  named('run cron', admin.runCron),
]

export const STEPS = [...LASTING, ...LASTING, ...LASTING, ...TURNS]
