import * as z from 'zod/mini'
import { forEachAccountType, isOpen } from './accounts.ts'
import { auditLine, requestSource } from './audit-events.ts'
import { maybeOne, type Placeholders, write } from './statement.ts'

/**
 * Seconds in which the token before the newest gets the same successor: two tabs, or a
 * retry after a lost response, are not theft. Half a minute covers a slow phone's retry.
 */
const GRACE_SECONDS = 30

const Rotated = z.object({ account_id: z.int(), counter: z.int(), elevated: z.boolean() })

/** `expires_in`: seconds until the new token expires. */
const Advanced = z.extend(Rotated, { expires_in: z.int() })

const token = { sessionId: 'uuid', counter: 'integer' } as const

/**
 * Which tokens of a session `s` are valid: the newest, and within the grace time the one before it. A
 * counter ahead of ours is a token we made before the database was restored from a backup. An older
 * token stays invalid for good, as counters and the time only rise.
 */
const rotation = ($: Placeholders<typeof token>) => {
  const isNewest = `s.counter <= ${$.counter}`
  const isInGrace = `(
    s.counter = ${$.counter} + 1
    and s.rotated_at > now() - make_interval(secs => ${GRACE_SECONDS})
  )`
  return { isNewest, isValid: `(${isNewest} or ${isInGrace})` }
}

/**
 * Moves a session on from the newest token; the one before it gets the same successor. Decided on the
 * locked row, so that parallel callers agree. No row: the token is not valid, and nothing changed.
 */
export const advanceSession = forEachAccountType(({ accounts, sessions, elevated }) =>
  write({
    parameters: { ...token, refreshTokenSeconds: 'integer' },
    returns: maybeOne(Advanced),
    sql: ($) => {
      const { isNewest, isValid } = rotation($)
      return `
      update ${sessions} s set
        counter = ${$.counter} + 1,
        rotated_at = case when ${isNewest} then now() else s.rotated_at end,
        expires_at = case when ${isNewest}
          then least(now() + make_interval(secs => ${$.refreshTokenSeconds}), s.ends_at)
          else s.expires_at end,
        last_used_at = now()
      where s.id = ${$.sessionId} and (
        select ${isValid} and ${isOpen('s', 'a')} from ${accounts} a where a.id = s.account_id
      )
      returning s.account_id, s.counter,
        floor(extract(epoch from s.expires_at - now()))::int as expires_in,
        (select a.${elevated} from ${accounts} a where a.id = s.account_id) as elevated`
    },
  }),
)

/** Ends an open session of which a token was presented that is not valid any more. No row: there is none. */
export const endReusedSession = forEachAccountType(
  ({ accountType, accounts, sessions, elevated }) =>
    write({
      parameters: { ...token, ...requestSource },
      returns: maybeOne(Rotated),
      sql: ($) => `
      with reused as (
        update ${sessions} s set revoked_at = now()
        from ${accounts} a
        where s.id = ${$.sessionId} and a.id = s.account_id
          and ${isOpen('s', 'a')} and not ${rotation($).isValid}
        returning s.account_id, s.counter, a.${elevated} as elevated
      ), audited as (${auditLine(
        $,
        {
          action: 'refresh_token_reuse',
          target: { kind: accountType, id: 'account_id' },
          reason: 'older_than_grace',
        },
        'reused',
      )})
      select account_id, counter, elevated from reused`,
    }),
)
