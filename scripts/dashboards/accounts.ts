import { type Dashboard, increase, rate } from './panel.ts'

const LOGINS = 'accounts_logins_total{instance=~"$instance"}'
const FAILED_LOGINS = 'accounts_logins_total{instance=~"$instance", outcome="failure"}'

const events = (pattern: string) =>
  `accounts_events_total{instance=~"$instance", event=~"${pattern}"}`

export const accounts: Dashboard = {
  uid: 'accounts-security',
  title: 'Accounts: accounts and security',
  description: 'Who has an account, who signs in, and who tries to.',
  panels: [
    {
      title: 'Registered users',
      description: 'Users that are not deleted.',
      type: 'stat',
      unit: 'short',
      queries: { users: 'registered_users_total{instance=~"$instance"}' },
    },
    {
      title: 'Active users',
      description: 'Users that are neither deleted nor disabled.',
      type: 'stat',
      unit: 'short',
      queries: { users: 'active_users_total{instance=~"$instance"}' },
    },
    {
      title: 'Open sessions',
      description: 'Of users and admins. In large tables an estimate, within a few per cent.',
      type: 'stat',
      unit: 'short',
      queries: { '{{account_type}}': 'accounts_sessions_live{instance=~"$instance"}' },
    },
    {
      title: 'Locked accounts',
      description:
        'Accounts that have to wait after ten wrong passwords. AccountsLocked fires above 20.',
      type: 'stat',
      unit: 'short',
      queries: { accounts: 'sum(accounts_locked_accounts{instance=~"$instance"})' },
      thresholds: { yellow: 10, red: 20 },
    },
    {
      title: 'Logins',
      description: 'Attempts by outcome. LoginFailuresSurging fires when most of them fail.',
      type: 'timeseries',
      unit: 'reqps',
      queries: { '{{account_type}}, {{outcome}}': rate(LOGINS, 'account_type, outcome') },
      isStacked: true,
    },
    {
      title: 'Failed logins by reason',
      description: '`capped`: the account has used up its attempts, so no password was compared.',
      type: 'timeseries',
      unit: 'reqps',
      queries: { '{{reason}}': rate(FAILED_LOGINS, 'reason') },
    },
    {
      title: 'What users did in an hour',
      description:
        'Registrations, changes and deletions, also where the current password was wrong.',
      type: 'timeseries',
      unit: 'short',
      queries: {
        '{{event}}': increase(
          events(
            'register|email_change|password_change|password_reset|account_deleted|data_exported',
          ),
          '1h',
          'event',
        ),
      },
    },
    {
      title: 'Users',
      description: 'Deleted users can be restored until they are erased.',
      type: 'timeseries',
      unit: 'short',
      queries: { '{{state}}': 'sum by (state) (accounts_users{instance=~"$instance"})' },
      isStacked: true,
    },
    {
      title: 'Old refresh tokens presented in an hour',
      description:
        'A stolen token, or a client that does not store its successor: RefreshTokenReuse.',
      type: 'timeseries',
      unit: 'short',
      queries: { tokens: increase(events('refresh_token_reuse'), '1h', 'event') },
    },
    {
      title: 'Requests over a limit',
      description: '429, by call.',
      type: 'timeseries',
      unit: 'reqps',
      queries: {
        '{{method}} {{endpoint}}': rate(
          'http_requests_total{instance=~"$instance", status="429"}',
          'method, endpoint',
        ),
      },
    },
    {
      title: 'Overload and fallback in five minutes',
      description:
        'Limits counted without Redis, passwords not hashed in time, statements without a response.',
      type: 'timeseries',
      unit: 'short',
      queries: {
        '{{event}}': increase(
          events('limiter_unavailable|hashing_overloaded|database_unavailable'),
          '5m',
          'event',
        ),
      },
    },
    {
      title: 'Tokens of the old service in a day',
      description: 'Once there are none, LEGACY_SECRET_KEY and LEGACY_UNTIL can be removed.',
      type: 'timeseries',
      unit: 'short',
      queries: { '{{event}}': increase(events('legacy_.+_token_.+'), '1d', 'event') },
    },
  ],
}
