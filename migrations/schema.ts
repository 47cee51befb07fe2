import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })

const moment = (name: string) => timestamp(name, { withTimezone: true })

/** What users and admins have in common. Ids are integers: clients of the former service rely on it. */
const accountColumns = () => ({
  id: integer().primaryKey().generatedByDefaultAsIdentity(),
  username: text().notNull(),
  email: text().notNull(),
  fullName: text('full_name'),
  /** Null or malformed after an import: nobody can log in with it until a reset. */
  passwordHash: text('hashed_password'),
  /** Raised by each change and reset of the password, not when the same password is hashed again. */
  passwordVersion: integer('password_version').notNull().default(0),
  isActive: boolean('is_active').notNull().default(true),
  /** Raised to end all sessions at once: a session counts while its epoch is the account's… */
  sessionEpoch: integer('session_epoch').notNull().default(0),
  /** …or while it is the one that was spared, because its owner ended the others. */
  keptSession: uuid('kept_session'),
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
  deletedAt: moment('deleted_at'),
  /** Of the newest reset that was mailed: a message of the queue that comes late is older. */
  resetRequestedAt: moment('reset_requested_at'),
  /** Resets issued until then are void: the email changed, and their links went to the old one. */
  resetsVoidUntil: moment('resets_void_until'),
  /** When `npm run adopt` took it over from the former service. Null: it was made here. */
  adoptedAt: moment('adopted_at'),
})

export const users = pgTable(
  'users',
  {
    ...accountColumns(),
    isSuperuser: boolean('is_superuser').notNull().default(false),
    /** Null: the email is that of the registration. */
    emailChangedAt: moment('email_changed_at'),
  },
  (table) => [
    // text_pattern_ops: the same index finds one name and, for the admins' search, a prefix.
    uniqueIndex('users_username_key').on(sql`lower(${table.username}) text_pattern_ops`),
    uniqueIndex('users_email_key').on(sql`lower(${table.email}) text_pattern_ops`),
    // The list's filters. Those of disabled and deleted users have few rows, and cost the others nothing.
    index('users_live').on(table.id, table.isActive).where(sql`${table.deletedAt} is null`),
    index('users_disabled')
      .on(table.id)
      .where(sql`not ${table.isActive} and ${table.deletedAt} is null`),
    index('users_deleted').on(table.id, table.isActive).where(sql`${table.deletedAt} is not null`),
    // For the cron that erases: it runs every five minutes, and reading every deleted user costs 10,000
    // pages at a million users.
    index('users_deleted_at').on(table.deletedAt).where(sql`${table.deletedAt} is not null`),
    // A search that matches many users, newest first: see `src/db/user-search.ts`. The columns behind
    // the name are there so that the index alone answers it.
    index('users_search_username')
      .on(
        sql`(${table.id} >> 12)`,
        sql`lower(${table.username}) text_pattern_ops`,
        table.id,
        table.isActive,
        table.username,
      )
      .where(sql`${table.deletedAt} is null`),
    index('users_search_email')
      .on(
        sql`(${table.id} >> 12)`,
        sql`lower(${table.email}) text_pattern_ops`,
        table.id,
        table.isActive,
        table.email,
      )
      .where(sql`${table.deletedAt} is null`),
  ],
)

export const admins = pgTable(
  'admins',
  {
    ...accountColumns(),
    isSuperadmin: boolean('is_superadmin').notNull().default(false),
    /** True for the one that the bootstrap token made. The index below lets there be one only. */
    isFirst: boolean('is_first').notNull().default(false),
  },
  (table) => [
    uniqueIndex('admins_username_key').on(sql`lower(${table.username})`),
    uniqueIndex('admins_email_key').on(sql`lower(${table.email})`),
    uniqueIndex('admins_first_key').on(table.isFirst).where(sql`${table.isFirst}`),
  ],
)

/** A login on one device. What can be presented as its token is derived from `id` and `counter`. */
const sessionColumns = () => ({
  id: uuid().primaryKey(),
  accountId: integer('account_id').notNull(),
  epoch: integer().notNull(),
  /** Of the newest refresh token. */
  counter: integer().notNull().default(0),
  /** When `counter` last rose: within the grace time the token before it gets the same successor. */
  rotatedAt: moment('rotated_at').notNull().defaultNow(),
  createdAt: moment('created_at').notNull().defaultNow(),
  lastUsedAt: moment('last_used_at').notNull().defaultNow(),
  /** Moves on with each rotation, never past `endsAt`. */
  expiresAt: moment('expires_at').notNull(),
  endsAt: moment('ends_at').notNull(),
  revokedAt: moment('revoked_at'),
  userAgent: text('user_agent'),
  place: text(),
})

export const userSessions = pgTable(
  'user_sessions',
  {
    ...sessionColumns(),
    accountId: integer('account_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
  },
  (table) => [
    index('user_sessions_account').on(table.accountId),
    index('user_sessions_expiry').on(table.expiresAt),
  ],
)

export const adminSessions = pgTable(
  'admin_sessions',
  {
    ...sessionColumns(),
    accountId: integer('account_id')
      .notNull()
      .references(() => admins.id, { onDelete: 'cascade' }),
  },
  (table) => [
    index('admin_sessions_account').on(table.accountId),
    index('admin_sessions_expiry').on(table.expiresAt),
  ],
)

/** The newest request for a password reset of an account. Deleted when used, or when the email changes. */
const resetColumns = () => ({
  id: uuid().notNull().unique(),
  expiresAt: moment('expires_at').notNull(),
  issuedAt: moment('issued_at').notNull().default(sql`clock_timestamp()`),
  /** The request that the link was last sent for, the one with this id or a later one, and when. */
  sentFor: uuid('sent_for'),
  sentAt: moment('sent_at'),
})

export const passwordResets = pgTable('password_resets', {
  userId: integer('user_id')
    .primaryKey()
    .references(() => users.id, { onDelete: 'cascade' }),
  ...resetColumns(),
})

export const adminPasswordResets = pgTable('admin_password_resets', {
  adminId: integer('admin_id')
    .primaryKey()
    .references(() => admins.id, { onDelete: 'cascade' }),
  ...resetColumns(),
})

/** Open reset links of the former service: `npm run adopt` adds them, and nothing else. */
export const legacyPasswordResets = pgTable(
  'legacy_password_resets',
  {
    /** SHA-256 of the token in the link: the table contains nothing that could be presented as one. */
    tokenHash: bytea('token_hash').primaryKey(),
    userId: integer('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    expiresAt: moment('expires_at').notNull(),
  },
  (table) => [
    index('legacy_password_resets_user').on(table.userId),
    index('legacy_password_resets_expiry').on(table.expiresAt),
  ],
)

/** A network from which somebody has logged in to an account: it has attempts of its own at the password. */
const networkColumns = () => ({
  /** Truncated: /24 of IPv4, /48 of IPv6. */
  network: text().notNull(),
  lastLoginAt: moment('last_login_at').notNull().defaultNow(),
})

export const userNetworks = pgTable(
  'user_networks',
  {
    accountId: integer('account_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    ...networkColumns(),
  },
  (table) => [
    primaryKey({ columns: [table.accountId, table.network] }),
    index('user_networks_last_login').on(table.lastLoginAt),
  ],
)

export const adminNetworks = pgTable(
  'admin_networks',
  {
    accountId: integer('account_id')
      .notNull()
      .references(() => admins.id, { onDelete: 'cascade' }),
    ...networkColumns(),
  },
  (table) => [
    primaryKey({ columns: [table.accountId, table.network] }),
    index('admin_networks_last_login').on(table.lastLoginAt),
  ],
)

/** Attempts at something that is capped across all addresses. */
export const attempts = pgTable(
  'attempts',
  {
    key: text().primaryKey(),
    count: integer().notNull(),
    resetsAt: moment('resets_at').notNull(),
  },
  (table) => [index('attempts_expiry').on(table.resetsAt)],
)

/** Pending emails, written by the statement of the act and deleted when they are sent. */
export const outbox = pgTable(
  'outbox',
  {
    id: uuid().primaryKey(),
    /** Whom it is about, so that nothing of an erased user remains. Null: an admin. */
    userId: integer('user_id').references(() => users.id, { onDelete: 'cascade' }),
    recipient: text().notNull(),
    mail: jsonb().notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** When the cron queued it once more, because the first message got lost. */
    requeuedAt: moment('requeued_at'),
  },
  (table) => [
    index('outbox_waiting').on(table.createdAt),
    index('outbox_user').on(table.userId).where(sql`${table.userId} is not null`),
  ],
)

/** How many users there are, kept by a trigger: counting them costs 6 ms at 100,000. */
export const userTotals = pgTable(
  'user_totals',
  {
    isActive: boolean('is_active').notNull(),
    /** Several rows a total, so that parallel registrations don't queue for one. */
    shard: smallint().notNull(),
    total: bigint({ mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.isActive, table.shard] })],
)

/** The same for deleted users. Not in `userTotals`, where the version before would count them too. */
export const deletedUserTotals = pgTable('deleted_user_totals', {
  isActive: boolean('is_active').primaryKey(),
  total: bigint({ mode: 'number' }).notNull(),
})

/** Who did what to whom, and how it ended. Only ever inserted, and pruned by the cron. */
export const auditEvents = pgTable(
  'audit_events',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: moment('at').notNull().defaultNow(),
    action: text().notNull(),
    outcome: text().notNull(),
    reason: text(),
    actorKind: text('actor_kind'),
    actorId: integer('actor_id'),
    targetKind: text('target_kind'),
    targetId: integer('target_id'),
    /** What changed: names of fields, and old and new values of roles and states. Nothing personal. */
    details: jsonb(),
    requestId: uuid('request_id').notNull(),
    /** Truncated: /24 of IPv4, /48 of IPv6. */
    network: text(),
    country: text(),
  },
  (table) => [
    index('audit_events_at').on(table.at),
    index('audit_events_actor').on(table.actorKind, table.actorId, table.id),
    index('audit_events_target').on(table.targetKind, table.targetId, table.id),
    check('audit_events_outcome', sql`${table.outcome} in ('success', 'failure')`),
  ],
)
