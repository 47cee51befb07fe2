export type Definition = {
  type: 'counter' | 'gauge' | 'histogram' | 'untyped'
  help: string
  labels: readonly string[]
}

/** Upper bounds of the buckets of a duration, in milliseconds: those of the FastAPI service. */
export const BUCKETS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000] as const

/** Isolates count them, and Redis adds them up. Every label has few values: see counts.ts. */
const COUNTED = {
  http_requests_total: {
    type: 'counter',
    help: 'Responses.',
    labels: ['method', 'endpoint', 'status'],
  },
  http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time until the response. On Cloudflare the time that it waited: the clock stands still while the CPU works.',
    labels: ['method', 'endpoint'],
  },
  http_errors_total: {
    type: 'counter',
    help: 'Error responses, by the error in their body.',
    labels: ['method', 'endpoint', 'error_type'],
  },
  accounts_events_total: {
    type: 'counter',
    help: 'Lines of the log, by event, whatever LOG_LEVEL is.',
    labels: ['event', 'level'],
  },
  accounts_logins_total: {
    type: 'counter',
    help: 'Attempts to log in that compared a password, or were capped.',
    labels: ['account_type', 'outcome', 'reason'],
  },
  accounts_mails_total: {
    type: 'counter',
    help: 'Attempts to send an email: sent, failed (repeated later) or dead (in the dead-letter queue).',
    labels: ['mail', 'outcome'],
  },
} as const satisfies Record<string, Definition>

/** A scrape finds them out. */
const GAUGES = {
  adl_application_info: {
    type: 'gauge',
    help: 'The service.',
    labels: ['version', 'environment', 'name'],
  },
  // Gauges with the names of the FastAPI service. A gauge may not end in _total, an untyped metric may.
  active_users_total: {
    type: 'untyped',
    help: 'Users that are active and not deleted.',
    labels: [],
  },
  registered_users_total: { type: 'untyped', help: 'Users that are not deleted.', labels: [] },
  accounts_users: { type: 'gauge', help: 'Users.', labels: ['state'] },
  accounts_admins: { type: 'gauge', help: 'Admins.', labels: ['state'] },
  accounts_sessions_live: {
    type: 'gauge',
    help: 'Open sessions. In large tables an estimate.',
    labels: ['account_type'],
  },
  accounts_locked_accounts: {
    type: 'gauge',
    help: 'Accounts that have to wait after wrong passwords.',
    labels: ['account_type'],
  },
  accounts_outbox_pending: { type: 'gauge', help: 'Emails that wait to be sent.', labels: [] },
  accounts_outbox_oldest_seconds: {
    type: 'gauge',
    help: 'How long the first of them has waited.',
    labels: [],
  },
  accounts_outbox_abandoned: {
    type: 'gauge',
    help: 'Emails that could not be sent within a day.',
    labels: [],
  },
  accounts_dependency_up: {
    type: 'gauge',
    help: 'Whether this scrape got a response.',
    labels: ['dependency'],
  },
  accounts_scrape_duration_seconds: {
    type: 'gauge',
    help: 'How long this scrape waited.',
    labels: [],
  },
} as const satisfies Record<string, Definition>

/** In the order in which they are shown. */
export const METRICS = { ...COUNTED, ...GAUGES }

export type MetricName = keyof typeof METRICS
export type GaugeName = keyof typeof GAUGES
