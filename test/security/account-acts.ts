/** Everything that is done to one account, as the statements that requests run, for tests of pairs. */
import { SessionEndedError } from '../../src/db/accounts.ts'
import type { Action } from '../../src/db/audit-events.ts'
import type { Database } from '../../src/db/client.ts'
import { eraseDeletedUsers, eraseUser } from '../../src/db/erasure.ts'
import { issueReset, resetPassword } from '../../src/db/password-resets.ts'
import { changePassword } from '../../src/db/passwords.ts'
import { deleteBatch, maxAges, type PrunedTable } from '../../src/db/pruning.ts'
import {
  endSession,
  exchangeLegacyToken,
  openSession,
  revokeOtherSessions,
  revokeSession,
  rotateSession,
} from '../../src/db/sessions.ts'
import { deleteOwnUser, updateUser } from '../../src/db/users.ts'
import * as byAdmin from '../../src/db/users-by-admin.ts'

/** An account with three open sessions and an open reset. */
export type Account = {
  id: number
  email: string
  /** The session that acts. */
  current: string
  /** A session that is refreshed, and ended by another. */
  other: string
  resetId: string
}

/** What an act changed, by the action that its line in the audit trail has. */
export const LINES = {
  login: 'login',
  exchange: 'legacy_refresh_token_exchanged',
  logout: 'logout',
  session_revoked: 'session_revoked',
  other_sessions_revoked: 'other_sessions_revoked',
  password_change: 'password_change',
  password_reset_requested: 'password_reset_requested',
  password_reset: 'password_reset',
  email_change: 'email_change',
  profile_update: 'profile_update',
  account_deleted: 'account_deleted',
  disabled: 'user_updated',
  enabled: 'user_updated',
  promoted: 'user_updated',
  demoted: 'user_updated',
  user_deleted: 'user_deleted',
  user_restored: 'user_restored',
  user_sessions_revoked: 'user_sessions_revoked',
  user_erased: 'user_erased',
} as const satisfies Record<string, Action>

/** `refresh` has no line. */
export type Effect = keyof typeof LINES | 'refresh'

type World = { db: Database; admin: { accountId: number; sessionId: string } }

export type Act = {
  /** SQL: how the account differs before the act, which else would change nothing. */
  before?: string
  /** @returns what it changed */
  run: (world: World, account: Account, index: number) => Promise<Effect[]>
}

const effects = (done: boolean, ...those: Effect[]) => (done ? those : [])

const source = () => ({ requestId: crypto.randomUUID(), network: '203.0.113.0/24', country: 'DE' })

const WEEK_SECONDS = 7 * 24 * 3600
const later = (index: number) => new Date(Date.now() + index).toISOString()

/** Acts that an account of either type has. */
const actsOf = (type: 'user' | 'admin') => {
  const self = ({ id, current }: Account) => ({ accountId: id, sessionId: current, ...source() })
  return {
    login: {
      async run({ db }, { id }) {
        const opened = await openSession[type](db, {
          ...{ accountId: id, passwordVersion: 0, sessionId: crypto.randomUUID() },
          ...{ refreshTokenSeconds: WEEK_SECONDS, ...source() },
        })
        return effects(opened !== undefined, 'login')
      },
    },
    /** Two of each token of the former service. */
    'exchange of an old token': {
      async run({ db }, { id }, index) {
        const token = Math.floor(index / 2)
        const sessionId = `00000000-0000-8000-8000-${`${id}${100 + token}`.padStart(12, '0')}`
        const opened = await exchangeLegacyToken[type](db, {
          ...{ accountId: id, sessionId, refreshTokenSeconds: WEEK_SECONDS, ...source() },
        })
        return effects(opened !== undefined, 'exchange')
      },
    },
    refresh: {
      async run({ db }, { other }) {
        const rotated = await rotateSession[type](db, {
          ...{ sessionId: other, counter: 0, refreshTokenSeconds: WEEK_SECONDS, ...source() },
        })
        return effects(rotated?.reused === false, 'refresh')
      },
    },
    logout: {
      async run({ db }, { current }) {
        const { ended } = await endSession[type](db, { sessionId: current, ...source() })
        return effects(ended, 'logout')
      },
    },
    'end of one session': {
      async run({ db }, account) {
        const { found } = await revokeSession[type](db, {
          ...{ ...self(account), revokedId: account.other },
        })
        return effects(found, 'session_revoked')
      },
    },
    'end of other sessions': {
      async run({ db }, account) {
        await revokeOtherSessions[type](db, self(account))
        return ['other_sessions_revoked']
      },
    },
    'change of password': {
      async run({ db }, account, index) {
        const change = await changePassword[type](db, {
          ...{ ...self(account), passwordVersion: 0 },
          ...{ newHash: `hash ${index}`, emailId: crypto.randomUUID() },
        })
        return effects(change?.changed === true, 'password_change')
      },
    },
    'request of a reset': {
      async run({ db }, { email }, index) {
        const reset = await issueReset[type](db, {
          ...{ resetId: crypto.randomUUID(), email, requestedAt: later(index) },
          ...{ resetTokenSeconds: 3600, ...source() },
        })
        return effects(reset !== undefined, 'password_reset_requested')
      },
    },
    reset: {
      async run({ db }, { resetId }, index) {
        const reset = await resetPassword[type](db, {
          ...{ resetId, newHash: `hash ${index}`, emailId: crypto.randomUUID(), ...source() },
        })
        return effects(reset !== undefined, 'password_reset')
      },
    },
    pruning: {
      async run({ db }, _, index) {
        const ages = maxAges({ auditRetentionSeconds: WEEK_SECONDS })
        const tables = Object.keys(ages) as PrunedTable[]
        const table = tables[index % tables.length] ?? 'attempts'
        await deleteBatch[table](db, { seconds: ages[table] })
        return []
      },
    },
  } satisfies Record<string, Act>
}

/** An act of an admin: `user` and `changes` are null when nothing changed. */
const changed = ({ user, changes }: byAdmin.Acted, effect: Effect) =>
  effects(user !== null && changes !== null, effect)

const asAdmin = ({ admin }: World, { id }: Account) => ({ ...admin, id, ...source() })

const update = (
  effect: Effect,
  fields: { isActive?: boolean; isSuperuser?: boolean },
): Act['run'] => {
  return async (world, account) =>
    changed(
      await byAdmin.updateUser(world.db, {
        ...{ ...asAdmin(world, account), ...fields, setFullName: false },
      }),
      effect,
    )
}

const updateMe = (
  effect: Effect,
  fieldsOf: (account: Account, index: number) => { email?: string; fullName?: string },
): Act['run'] => {
  return async ({ db }, account, index) => {
    const fields = fieldsOf(account, index)
    const { capped } = await updateUser(db, {
      ...{ accountId: account.id, sessionId: account.current, ...source() },
      ...{ ...fields, mayRename: true, setFullName: fields.fullName !== undefined },
      ...{ oldEmailId: crypto.randomUUID(), newEmailId: crypto.randomUUID() },
    })
    return effects(!capped, effect)
  }
}

const ENDED = 'session_epoch = 1'

export const ACTS = {
  admin: actsOf('admin'),
  user: {
    ...actsOf('user'),
    'change of email': {
      run: updateMe('email_change', ({ email }, index) => ({ email: `${index}-${email}` })),
    },
    'change of profile': { run: updateMe('profile_update', (_, i) => ({ fullName: `Ada ${i}` })) },
    'own deletion': {
      async run({ db }, { id, current }) {
        const self = { accountId: id, sessionId: current, ...source() }
        const deleted = await deleteOwnUser(db, { ...self, passwordVersion: 0 })
        return effects(deleted !== undefined, 'account_deleted')
      },
    },
    disabling: { run: update('disabled', { isActive: false }) },
    enabling: {
      before: `is_active = false, ${ENDED}`,
      run: update('enabled', { isActive: true }),
    },
    promotion: { run: update('promoted', { isSuperuser: true }) },
    demotion: { before: 'is_superuser = true', run: update('demoted', { isSuperuser: false }) },
    deletion: {
      run: async (world, account) =>
        changed(await byAdmin.deleteUser(world.db, asAdmin(world, account)), 'user_deleted'),
    },
    restoring: {
      before: `deleted_at = now(), ${ENDED}`,
      run: async (world, account) =>
        changed(await byAdmin.restoreUser(world.db, asAdmin(world, account)), 'user_restored'),
    },
    'end of sessions by an admin': {
      run: async (world, account) =>
        changed(
          await byAdmin.revokeUserSessions(world.db, asAdmin(world, account)),
          'user_sessions_revoked',
        ),
    },
    'deletion and erasing': {
      async run(world, account) {
        const by = asAdmin(world, account)
        const deleted = changed(await byAdmin.deleteUser(world.db, by), 'user_deleted')
        const { was_deleted } = await eraseUser(world.db, by)
        return [...deleted, ...effects(was_deleted === true, 'user_erased')]
      },
    },
    'erasing by the cron': {
      before: `deleted_at = now() - interval '1 day', ${ENDED}`,
      async run({ db }) {
        const { erased } = await eraseDeletedUsers(db, { seconds: 0, ...source() })
        return effects(erased > 0, 'user_erased')
      },
    },
  } satisfies Record<string, Act>,
} satisfies Record<'user' | 'admin', Record<string, Act>>

export const runAct = (act: Act, world: World, account: Account, index: number) =>
  act.run(world, account, index).catch((error: unknown): Effect[] => {
    if (error instanceof SessionEndedError) return []
    throw error
  })
