import type { Level, LogFields } from '../log.ts'
import { increment, keyOf, observe, type Series } from './series.ts'

const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
])

/** A response, as it is counted. */
export type CountedResponse = {
  method: string
  /** The pattern of the route, as Hono has it. */
  route: string
  status: number
  durationMs: number
  /** The `error` of its body. */
  error: string | undefined
}

const endpoints = new Map<string, string>()

/** A pattern in the notation of OpenAPI. */
function endpointOf(route: string): string {
  const known = endpoints.get(route)
  if (known) return known
  const isRoute = route.startsWith('/assets/') || !route.endsWith('*')
  const endpoint = isRoute ? route.replace(/:(\w+)/g, '{$1}') : 'unmatched'
  endpoints.set(route, endpoint)
  return endpoint
}

/** Counts a response. All labels come from the routes, statuses and errors of the source. */
export function countResponse(
  series: Series,
  { method: sent, route, status, durationMs, error }: CountedResponse,
) {
  const method = METHODS.has(sent) ? sent : 'other'
  const endpoint = endpointOf(route)
  increment(series, keyOf('http_requests_total', method, endpoint, String(status)))
  observe(series, keyOf('http_request_duration_seconds', method, endpoint), durationMs)
  // The 204 of OPTIONS replaces a 404.
  if (error && status >= 400) increment(series, keyOf('http_errors_total', method, endpoint, error))
}

/** The outcome of an attempt to send an email, by the event that logs it. */
const MAIL_EVENTS: Readonly<Record<string, string>> = {
  mail_sent: 'sent',
  mail_failed: 'failed',
  mail_dead: 'dead',
}

/** Counts an event of the log, but not the line of each request: that is counted as a response. */
export function countEvent(series: Series, level: Level, event: string, fields: LogFields) {
  if (event === 'request') return
  increment(series, keyOf('accounts_events_total', event, level))
  if (event === 'login') {
    const { kind, outcome, reason = '' } = fields
    increment(series, keyOf('accounts_logins_total', `${kind}`, `${outcome}`, `${reason}`))
  }
  const outcome = MAIL_EVENTS[event]
  if (outcome) {
    increment(series, keyOf('accounts_mails_total', `${fields['type'] ?? 'test'}`, outcome))
  }
}

/** Events that alerts are about. */
const ALARMING: Readonly<Record<string, Level>> = {
  refresh_token_reuse: 'warn',
  limiter_unavailable: 'warn',
  hashing_overloaded: 'warn',
  breached_passwords_unavailable: 'warn',
  unexpected_error: 'error',
  database_unavailable: 'error',
  mail_queue_unavailable: 'error',
  mail_dead: 'error',
  stored_hash_malformed: 'error',
  maintenance_failed: 'error',
}

const LOGIN_FAILURES = [
  ...['wrong_password', 'unknown_account', 'account_not_active', 'changed_meanwhile', 'capped'],
]

/** Zeros: Prometheus does not see that a counter rose which was not there before. */
export const ZEROS: ReadonlyMap<string, readonly number[]> = new Map(
  [
    ...Object.entries(ALARMING).map((each) => keyOf('accounts_events_total', ...each)),
    ...['user', 'admin'].flatMap((kind) => [
      keyOf('accounts_logins_total', kind, 'success', ''),
      ...LOGIN_FAILURES.map((reason) => keyOf('accounts_logins_total', kind, 'failure', reason)),
    ]),
    ...['owed', 'reset-requested'].flatMap((mail) =>
      Object.values(MAIL_EVENTS).map((outcome) => keyOf('accounts_mails_total', mail, outcome)),
    ),
  ].map((key) => [key, [0]]),
)
