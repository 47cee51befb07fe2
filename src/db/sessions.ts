import * as z from 'zod/mini'
import {
  type AccountTables,
  acceptsLegacy,
  actor,
  actorOf,
  forEachAccountType,
  isOpen,
  isUsable,
  oneAsActor,
} from './accounts.ts'
import { auditLine, type RequestSource, requestSource } from './audit-events.ts'
import type { Database } from './client.ts'
import { rememberNetwork } from './networks.ts'
import { advanceSession, endReusedSession } from './rotation.ts'
import { maybeOne, one, type Placeholders, read, write } from './statement.ts'

/** A session at one point of its rotation (RFC 9700 section 4.14.2). */
export type RefreshSubject = { sessionId: string; counter: number }

/** The device and place a login came from, as far as a header and the edge reveal it. */
export type Device = { userAgent: string | null; place: string | null }

/** Seconds after a login when the session ends however often it is used: 30 days. */
const SESSION_SECONDS = 30 * 24 * 60 * 60

/** Open sessions of an account: more than one person has devices. Without a bound they could fill the database. */
export const MAX_OPEN_SESSIONS = 50

const Opened = z.object({ id: z.int(), elevated: z.boolean() })

const opening = {
  accountId: 'integer',
  sessionId: 'uuid',
  refreshTokenSeconds: 'integer',
  userAgent: 'text?',
  place: 'text?',
  ...requestSource,
} as const

/**
 * CTEs that open a session of the `account` that they follow, which is locked: `opened`. Beyond
 * {@link MAX_OPEN_SESSIONS} the one that was not used for longest ends.
 */
const openFor = ({ accountType, sessions }: AccountTables, $: Placeholders<typeof opening>) => `
  ended as (
    select account.id from account,
      end_excess_${accountType}_sessions(account.id, ${$.sessionId}, ${MAX_OPEN_SESSIONS - 1})
  ), opened as (
    insert into ${sessions} (id, account_id, epoch, expires_at, ends_at, user_agent, place)
    select ${$.sessionId}, id, session_epoch,
      now() + make_interval(secs => least(${$.refreshTokenSeconds}, ${SESSION_SECONDS})),
      now() + make_interval(secs => ${SESSION_SECONDS}),
      ${$.userAgent}, ${$.place}
    from account
    on conflict (id) do nothing
    returning account_id as id
  ), audited_end as (${auditLine(
    $,
    { action: 'oldest_session_ended', actor: { kind: accountType, id: 'id' } },
    'ended',
  )})`

/**
 * Opens a session, clears the attempts that were counted with it, remembers the network, and replaces a hash that is too cheap by
 * `newHash`. No row: since the password was compared, it changed, or the account may not be used any more.
 */
export const openSession = forEachAccountType((tables) => {
  const { accountType, accounts, elevated } = tables
  return write({
    parameters: {
      ...opening,
      passwordVersion: 'integer',
      attemptKey: 'text?',
      newHash: 'text?',
    },
    returns: maybeOne(Opened),
    sql: ($) => `
      with account as (
        select a.id, a.session_epoch, a.${elevated} as elevated from ${accounts} a
        where a.id = ${$.accountId} and a.password_version = ${$.passwordVersion}
          and ${isUsable('a')}
        for no key update
      ),
      ${openFor(tables, $)}, rehashed as (
        update ${accounts} set hashed_password = ${$.newHash}
        where ${$.newHash} is not null and id in (select id from account)
      ), cleared as (
        delete from attempts where key = ${$.attemptKey} and exists (select from account)
      ),
      ${rememberNetwork(tables, $, 'account')},
      audited as (${auditLine($, { action: 'login', actor: { kind: accountType, id: 'id' } }, 'opened')})
      select id, elevated from account join opened using (id)`,
  })
})

/**
 * Opens the session that a refresh token of the former service is exchanged for. No row: it has been, or the
 * account doesn't accept it ({@link acceptsLegacy}).
 */
export const exchangeLegacyToken = forEachAccountType((tables) => {
  const { accountType, accounts, sessions, elevated } = tables
  return write({
    parameters: opening,
    returns: maybeOne(Opened),
    sql: ($) => `
      with account as (
        select a.id, a.session_epoch, a.${elevated} as elevated from ${accounts} a
        where a.id = ${$.accountId} and ${acceptsLegacy('a')}
          and not exists (select from ${sessions} where id = ${$.sessionId})
        for no key update
      ),
      ${openFor(tables, $)},
      audited as (${auditLine(
        $,
        { action: 'legacy_refresh_token_exchanged', actor: { kind: accountType, id: 'id' } },
        'opened',
      )})
      select id, elevated from account join opened using (id)`,
  })
})

/**
 * The counter of a token of the former service in the session that it was exchanged for, whose first own token
 * has 0: sent again, it is the token before the newest, and later an older one.
 */
export const LEGACY_COUNTER = -1

type Rotation = RefreshSubject & { refreshTokenSeconds: number } & RequestSource

/**
 * Refresh token rotation (RFC 9700 section 4.14.2). One statement for a valid token. Any other takes a
 * second one: if its session is still open, the token was stolen, and the session ends (`reused`).
 */
export const rotateSession = forEachAccountType(
  ({ accountType }) =>
    async (db: Database, { sessionId, counter, refreshTokenSeconds, ...source }: Rotation) => {
      const advance = { sessionId, counter, refreshTokenSeconds }
      const advanced = await advanceSession[accountType](db, advance)
      if (advanced) return { ...advanced, reused: false as const }
      const ended = await endReusedSession[accountType](db, { sessionId, counter, ...source })
      return ended && { ...ended, reused: true as const }
    },
)

/**
 * Ends the session of a refresh token, newest or not. Nothing is written of one that was not open any more,
 * but it is ended for good.
 */
export const endSession = forEachAccountType(({ accountType, accounts, sessions }) =>
  write({
    parameters: { sessionId: 'uuid', ...requestSource },
    returns: one(z.object({ ended: z.boolean() })),
    sql: ($) => `
      with found as (
        select s.id, ${isOpen('s', 'a')} as was_open
        from ${sessions} s join ${accounts} a on a.id = s.account_id where s.id = ${$.sessionId}
      ), ended as (
        update ${sessions} s set revoked_at = now()
        from found where s.id = found.id and s.revoked_at is null
        returning s.account_id, found.was_open
      ), audited as (${auditLine(
        $,
        { action: 'logout', actor: { kind: accountType, id: 'account_id' } },
        'ended where was_open',
      )})
      select exists (select from ended where was_open) as ended`,
  }),
)

export const SessionRead = z
  .object({
    id: z.uuid(),
    device: z.nullable(z.string()),
    place: z.nullable(z.string()),
    created_at: z.coerce.date(),
    last_used_at: z.coerce.date(),
    expires_at: z.coerce.date(),
    current: z.boolean(),
  })
  .check(z.meta({ id: 'SessionRead' }))

const SessionPage = z.object({ sessions: z.array(SessionRead) })

/** A page of the open sessions of an account, most recently used first. */
export const listSessions = forEachAccountType(({ accountType, sessions }) =>
  read({
    parameters: { ...actor, limit: 'integer', offset: 'integer' },
    returns: oneAsActor(SessionPage),
    sql: ($) => `
      with actor as (${actorOf(accountType, $)}), page as (
        select s.id, s.user_agent as device, s.place, s.created_at, s.last_used_at, s.expires_at,
          s.id = ${$.sessionId} as current
        from actor a join ${sessions} s on s.account_id = a.id
        where ${isOpen('s', 'a')} order by s.last_used_at desc, s.id
        limit ${$.limit} offset ${$.offset}
      )
      select coalesce(
        (select json_agg(page order by page.last_used_at desc, page.id) from page), '[]'
      ) as sessions
      from actor`,
  }),
)

/** Ends one session of the caller's account. */
export const revokeSession = forEachAccountType(({ accountType, sessions }) =>
  write({
    parameters: { ...actor, revokedId: 'uuid', ...requestSource },
    returns: oneAsActor(z.object({ found: z.boolean() })),
    sql: ($) => `
      with actor as (${actorOf(accountType, $)}), ended as (
        update ${sessions} s set revoked_at = now()
        from actor a
        where s.id = ${$.revokedId} and s.account_id = a.id and ${isOpen('s', 'a')}
        returning s.account_id
      ), audited as (${auditLine(
        $,
        { action: 'session_revoked', actor: { kind: accountType, id: 'account_id' } },
        'ended',
      )})
      select exists (select from ended) as found from actor`,
  }),
)

/**
 * Ends all sessions of the caller's account but this one. The account is locked first: a session that
 * a password reset is ending at this moment must not spare itself.
 */
export const revokeOtherSessions = forEachAccountType(({ accountType, accounts }) =>
  write({
    parameters: { ...actor, ...requestSource },
    returns: oneAsActor(z.object({ id: z.int() })),
    sql: ($) => `
      with actor as (${actorOf(accountType, $)} for no key update of a), ended as (
        update ${accounts} set session_epoch = session_epoch + 1, kept_session = ${$.sessionId}
        where id = (select id from actor) returning id
      ), audited as (${auditLine(
        $,
        { action: 'other_sessions_revoked', actor: { kind: accountType, id: 'id' } },
        'ended',
      )})
      select id from ended`,
  }),
)
