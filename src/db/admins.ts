import * as z from 'zod/mini'
import { AdminRead, actor, actorOf, adminColumns, isActor, oneAsActor } from './accounts.ts'
import { auditLine, requestSource } from './audit-events.ts'
import { accountKeys, countAttempt, EMAIL_CAPS } from './caps.ts'
import { maybeOne, read, write } from './statement.ts'

const newAdmin = {
  username: 'text',
  email: 'text',
  fullName: 'text?',
  passwordHash: 'text',
} as const

/**
 * Adds the first admin, a superadmin, if there is none. Of parallel callers the unique index on
 * `is_first` lets one through; the others fail with `admins_first_key`. No row: there are admins.
 */
export const insertFirstAdmin = write({
  parameters: { ...newAdmin, ...requestSource },
  returns: maybeOne(AdminRead),
  sql: ($) => `
    with created as (
      insert into admins (username, email, full_name, hashed_password, is_superadmin, is_first)
      select ${$.username}, ${$.email}, ${$.fullName}, ${$.passwordHash}, true, true
      where not exists (select from admins)
      returning ${adminColumns}
    ), audited as (${auditLine(
      $,
      {
        action: 'register',
        actor: { kind: 'admin', id: 'id' },
        details: `jsonb_build_object('is_superadmin', is_superadmin, 'bootstrap', true)`,
      },
      'created',
    )})
    select ${adminColumns} from created`,
})

const CreatedAdmin = z.object({
  actor_is_superadmin: z.boolean(),
  created: z.nullable(AdminRead),
})

/** Adds an admin on behalf of a superadmin. Not `created`: the caller is not a superadmin. */
export const insertAdmin = write({
  parameters: { ...actor, ...newAdmin, isSuperadmin: 'boolean', ...requestSource },
  returns: oneAsActor(CreatedAdmin),
  sql: ($) => `
    with actor as (${actorOf('admin', $)}), created as (
      insert into admins (username, email, full_name, hashed_password, is_superadmin)
      select ${$.username}, ${$.email}, ${$.fullName}, ${$.passwordHash}, ${$.isSuperadmin}
      from actor where actor.is_superadmin
      returning ${adminColumns}
    ), audited as (${auditLine(
      $,
      {
        action: 'register',
        actor: { kind: 'admin', id: $.accountId },
        target: { kind: 'admin', id: 'id' },
        details: `jsonb_build_object('is_superadmin', is_superadmin)`,
      },
      'created',
    )})
    select actor.is_superadmin as actor_is_superadmin,
      (select to_json(created) from created) as created
    from actor`,
})

/** The admin behind an access token. */
export const findAdmin = read({
  parameters: actor,
  returns: oneAsActor(AdminRead),
  sql: ($) => `select ${adminColumns} from admins a where ${isActor('admin', $)}`,
})

/** Counts a test email of the admin behind an access token. */
export const countTestEmail = write({
  parameters: actor,
  returns: oneAsActor(z.object({ count: z.int(), resets_in: z.int() })),
  sql: ($) => `
    with actor as (${actorOf('admin', $)})
    ${countAttempt(`select ${accountKeys('admin', 'id').testEmails} from actor`, EMAIL_CAPS.testEmails)}`,
})
