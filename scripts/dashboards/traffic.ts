import { type Dashboard, rate } from './panel.ts'

const REQUESTS = 'http_requests_total{instance=~"$instance"}'
const BUCKETS = 'http_request_duration_seconds_bucket{instance=~"$instance"}'
const API_BUCKETS =
  'http_request_duration_seconds_bucket{instance=~"$instance", endpoint=~"/api/.+"}'

export const traffic: Dashboard = {
  uid: 'accounts-traffic',
  title: 'Accounts: traffic and latency',
  description: 'What callers get, how fast, and whether the service reaches what it needs.',
  panels: [
    {
      title: 'Requests',
      description: 'To the API, without pages, probes and scrapes.',
      type: 'stat',
      unit: 'reqps',
      queries: { requests: 'instance:http_requests:rate5m{instance=~"$instance"}' },
    },
    {
      title: 'Failed requests',
      description:
        'The share of requests to the API that return 5xx. HighErrorRate fires above 5 %.',
      type: 'stat',
      unit: 'percentunit',
      queries: { failed: 'instance:http_requests_failed:ratio_rate5m{instance=~"$instance"}' },
      thresholds: { yellow: 0.01, red: 0.05 },
    },
    {
      title: 'p95',
      description: '95 of 100 requests to the API wait no longer. HighLatency fires above 1 s.',
      type: 'stat',
      unit: 's',
      queries: { p95: 'instance:http_request_duration_seconds:p95_5m{instance=~"$instance"}' },
      thresholds: { yellow: 0.5, red: 1 },
    },
    {
      title: 'Dependencies',
      description: 'Whether the last scrape got a response of the database and of Redis.',
      type: 'stat',
      unit: 'short',
      queries: { '{{dependency}}': 'accounts_dependency_up{instance=~"$instance"}' },
      isUpOrDown: true,
    },
    {
      title: 'Responses by status',
      description: 'All responses. 401, 404, 409, 422 and 429 are faults of callers, 5xx are ours.',
      type: 'timeseries',
      unit: 'reqps',
      queries: { '{{status}}': rate(REQUESTS, 'status') },
      isStacked: true,
    },
    {
      title: 'Requests by call',
      description: 'The ten calls with the most requests. `unmatched` are paths that do not exist.',
      type: 'timeseries',
      unit: 'reqps',
      queries: { '{{method}} {{endpoint}}': `topk(10, ${rate(REQUESTS, 'method, endpoint')})` },
    },
    {
      title: 'Latency of the API',
      description: 'On Cloudflare without CPU time, for which the clock stands still.',
      type: 'timeseries',
      unit: 's',
      queries: {
        p99: `histogram_quantile(0.99, ${rate(API_BUCKETS, 'le')})`,
        p95: `histogram_quantile(0.95, ${rate(API_BUCKETS, 'le')})`,
        p50: `histogram_quantile(0.5, ${rate(API_BUCKETS, 'le')})`,
      },
    },
    {
      title: 'p95 by call',
      description: 'The ten slowest calls.',
      type: 'timeseries',
      unit: 's',
      queries: {
        '{{method}} {{endpoint}}': `topk(10, histogram_quantile(0.95, ${rate(BUCKETS, 'method, endpoint, le')}))`,
      },
    },
    {
      title: 'Error responses',
      description: 'By the `error` of their body.',
      type: 'timeseries',
      unit: 'reqps',
      queries: { '{{error_type}}': rate('http_errors_total{instance=~"$instance"}', 'error_type') },
    },
    {
      title: 'Requests in progress',
      description: 'The mean, by Little’s law: the rate of the seconds spent.',
      type: 'timeseries',
      unit: 'short',
      queries: { requests: 'sum(http_requests_in_progress{instance=~"$instance"})' },
    },
    {
      title: 'Health check from outside',
      description: 'How long GET /health takes, by blackbox_exporter.',
      type: 'timeseries',
      unit: 's',
      queries: { '{{instance}}': 'probe_duration_seconds{instance=~"$instance"}' },
    },
    {
      title: 'Certificate',
      description: 'Days until it expires. Cloudflare renews it 30 days ahead.',
      type: 'timeseries',
      unit: 'd',
      queries: {
        '{{instance}}': '(probe_ssl_earliest_cert_expiry{instance=~"$instance"} - time()) / 86400',
      },
    },
  ],
}
