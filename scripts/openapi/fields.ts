/**
 * What the fields of bodies mean, and what they hold for example: said once for each name, so that the
 * examples of all bodies are of one person and one day. A field that means something else in one schema is
 * named with it: `AdminRead.id`. Descriptions here are for fields that have none in their own schema.
 */

type Field = {
  description?: string
  /** Left out of examples of the whole body if it is undefined. */
  example: unknown
}

const LOGGED_IN = '2026-03-02T09:15:42.118Z'
const LAST_USED = '2026-03-02T11:48:05.902Z'
const SESSION = '5f0c1d5e-8f0b-4b6e-9f53-2a4f0f2f9a11'

export const EXAMPLE_TIME = LAST_USED
export const EXAMPLE_REQUEST_ID = '0b9b1f0e-7a55-4a53-9d0e-2f6b7c1d8e90'

/** What query parameters mean that do not say so in their schema. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  page: 'Number of the page',
  page_size: 'Items on a page',
  is_active: 'Only active users, or only disabled ones',
  sort: 'A field; `-` for descending',
  action: 'Only events of this action',
  outcome: 'Only what succeeded, or only what failed',
  actor_kind: 'The account type of who acted',
  actor_id: 'Who acted, with `actor_kind`',
  target_kind: 'The account type of who was acted on',
  target_id: 'Who was acted on, with `target_kind`',
  since: 'Events at this time or later',
  until: 'Events before this time',
  cursor: '`next_cursor` of the previous page',
}

/** Fields of one body that differ from those of others of its schema, by operation and status or `body`. */
export const BODIES: Readonly<Record<string, object>> = {
  'registerUser.201': { updated_at: '2026-02-14T08:30:00.000Z' },
  'registerAdmin.201': { updated_at: '2026-02-14T08:30:00.000Z' },
  'loginAdmin.body': { username: 'grace.hopper' },
  'checkAdminPasswordReset.200': { username: 'grace.hopper', email: 'grace@example.com' },
  'requestAdminPasswordReset.body': { email: 'grace@example.com' },
  'getHealth.503': { status: 'unhealthy', database: { connected: false, error: 'timeout' } },
}

/** What a cursor is (src/routes/cursor.ts), with the position of the last item. */
const cursor = (position: object) => Buffer.from(JSON.stringify(position)).toString('base64url')

/** A token of ours that is derived: nobody can guess how it continues. */
const derived = (subject: string) => `${subject}.Tq0c5m1mT3oJ8xq1s0bq8m3yKk9vUq6b2nZ4c7dE1fG`

const PASSWORD = { example: 'correct horse battery staple' }

export const FIELDS: Readonly<Record<string, Field>> = {
  // Accounts
  id: { example: 1042 },
  username: { example: 'ada.lovelace' },
  email: { example: 'ada@example.com' },
  full_name: { example: 'Ada Lovelace' },
  is_active: { example: true, description: 'False: an admin has disabled the account' },
  is_superuser: { example: false, description: 'The access token has the role `superuser`' },
  is_superadmin: {
    example: true,
    description: 'May also manage admins and roles, read the audit trail, and erase users',
  },
  created_at: { example: '2026-02-14T08:30:00.000Z' },
  updated_at: { example: '2026-02-20T16:05:11.437Z' },
  'AdminRead.id': { example: 7 },
  'AdminRead.username': { example: 'grace.hopper' },
  'AdminRead.email': { example: 'grace@example.com' },
  'AdminRead.full_name': { example: 'Grace Hopper' },
  'RegisterAdminRequest.username': { example: 'grace.hopper' },
  'RegisterAdminRequest.email': { example: 'grace@example.com' },
  'RegisterAdminRequest.full_name': { example: 'Grace Hopper' },
  'UpdateUserRequest.is_superuser': { example: undefined },

  // Passwords and tokens
  password: PASSWORD,
  current_password: PASSWORD,
  new_password: { example: 'four words, none of them a name' },
  'LoginRequest.email': { example: undefined },
  token: { example: derived('9d2f6c54-3b1e-4c8e-8f0e-6b0c7c5d3a21') },
  access_token: {
    example:
      'eyJhbGciOiJFZERTQSIsImtpZCI6IjIwMjYtMDMifQ.eyJpZCI6MTA0Miwicm9sZSI6InVzZXIifQ.c2lnbmF0dXJl',
  },
  refresh_token: { example: derived(`${SESSION}.3`) },
  expires_in: { example: 900 },

  // Sessions
  'SessionRead.id': { example: SESSION },
  'UserExport.sessions.items.items.id': { example: SESSION },
  'endUserSession.id': { example: SESSION },
  'endAdminSession.id': { example: SESSION },
  device: {
    example: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    description: 'The `User-Agent` of the login, its first 200 characters',
  },
  place: {
    example: 'London, GB',
    description: 'Where Cloudflare believes the login came from: city and country',
  },
  'SessionRead.created_at': { example: LOGGED_IN },
  'UserExport.sessions.items.items.created_at': { example: LOGGED_IN },
  last_used_at: { example: LAST_USED, description: 'The last refresh, or the login' },
  expires_at: {
    example: '2026-03-09T11:48:05.902Z',
    description: 'When it ends unless it is refreshed before',
  },
  current: { example: true, description: 'Whether it is the session of the access token' },

  // Lists
  total: { example: 1 },
  total_is_capped: { example: false },
  page: { example: 1 },
  page_size: { example: 10 },
  total_pages: { example: 1 },
  next_cursor: {
    example: null,
    description: 'For the next page, as `cursor`. Null on the last one',
  },
  'AuditList.next_cursor': { example: cursor({ before: 88213 }) },

  // The audit trail
  'AuditEvent.id': { example: 88213 },
  at: { example: LAST_USED },
  action: { example: 'user_updated' },
  outcome: { example: 'success' },
  reason: { example: null, description: 'Why it failed, in a fixed word' },
  actor_kind: { example: 'admin' },
  actor_id: { example: 7 },
  target_kind: { example: 'user' },
  target_id: { example: 1042 },
  details: { example: { full_name: 'changed', is_active: { from: false, to: true } } },
  network: {
    example: '198.51.100.0/24',
    description: 'The network that the request came from, not its address',
  },
  country: { example: 'GB' },
  request_id: { example: EXAMPLE_REQUEST_ID, description: 'As in `X-Request-ID` and in the log' },

  // The export
  exported_at: { example: LAST_USED },
  complete: { example: true },
  is_open: { example: true },
  last_login_at: { example: LOGGED_IN },
  kind: { example: 'welcome', description: 'Which email' },
  recipient: { example: 'ada@example.com' },
  'UserExport.pending_emails.items.items.created_at': { example: LAST_USED },
  issued_at: { example: '2026-03-02T11:30:00.000Z' },
  'ResetLink.expires_at': {
    example: '2026-03-02T12:30:00.000Z',
    description: 'When the link expires',
  },
  'UserExport.password_reset.expires_at': { example: '2026-03-02T12:30:00.000Z' },
  'UserExport.legacy_password_resets.items.items.expires_at': {
    example: '2026-03-02T12:30:00.000Z',
  },
  key: { example: 'password-change:user:1042', description: 'What is counted' },
  count: { example: 2 },
  resets_at: { example: '2026-03-02T12:03:05.902Z' },

  'UserExport.audit_events.items.items.action': { example: 'login' },
  'UserExport.audit_events.items.items.actor_kind': { example: 'user' },
  'UserExport.audit_events.items.items.details': { example: null },

  // The service
  to_email: { example: 'grace@example.com' },
  'Welcome.message': { example: 'Welcome to ADL Production API!' },
  version: { example: '1.0.0' },
  status: { example: 'healthy' },
  'getLiveness.status': { example: 'alive' },
  timestamp: { example: LAST_USED },
  environment: { example: 'production' },
  project: { example: 'ADL Production' },
  connected: { example: true },
  'Health.database.error': { example: null },
  email_configured: { example: true },
  kid: { example: '2026-03', description: 'As in the header of access tokens' },
  x: { example: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
}
