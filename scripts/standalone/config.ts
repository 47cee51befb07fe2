/** The configuration of `workerd serve`, in Cap'n Proto's text format. */
import type { Unstable_Config } from 'wrangler'

/** Cloudflare gives an isolate 128 MB. */
const HEAP_MB = 128

const RATE_LIMIT_MODULE = 'standalone:rate-limit'

export type ConfigOptions = {
  wrangler: Pick<
    Unstable_Config,
    'compatibility_date' | 'compatibility_flags' | 'ratelimits' | 'queues' | 'assets'
  >
  /** Variables and secrets. */
  variables: Record<string, string>
  /** The folder of the assets. */
  assets: string
  /** `host:port` that receives what is queued. Otherwise it is accepted and dropped. */
  mailQueue?: string | undefined
  /** Where the Worker listens, `host:port`. */
  address: string
}

/** A string literal. JSON escapes control characters in a form that Cap'n Proto doesn't know. */
function text(value: string): string {
  const literal = JSON.stringify(value)
  if (/\\u/.test(literal)) throw new Error('workerd cannot be given control characters.')
  return literal
}

/** Two sockets: `http` for the Worker and, with a mail queue, `deliver` for its consumer and cron. */
export function workerdConfig({
  wrangler,
  variables,
  assets,
  mailQueue,
  address,
}: ConfigOptions): string {
  const { compatibility_date: date = '', compatibility_flags: flags, ratelimits, queues } = wrangler
  const bindings = [
    ...Object.entries(variables).map(
      ([name, value]) => `(name = ${text(name)}, text = ${text(value)})`,
    ),
    ...ratelimits.map(
      ({ name, simple: { limit, period } }) =>
        `(name = ${text(name)}, wrapped = (moduleName = "${RATE_LIMIT_MODULE}", innerBindings = [
          (name = "limit", json = "${limit}"), (name = "period", json = "${period}")]))`,
    ),
    ...(queues.producers ?? []).map(
      ({ binding }) => `(name = ${text(binding)}, queue = "mail-queue")`,
    ),
    ...(wrangler.assets?.binding
      ? [`(name = ${text(wrangler.assets.binding)}, service = "assets")`]
      : []),
  ]
  const socket = (name: string, service: string, at = '127.0.0.1:0') =>
    `(name = "${name}", address = ${text(at)}, http = (), service = "${service}")`
  const script = (name: string, more: string) =>
    `(name = "${name}", worker = (compatibilityDate = ${text(date)},
      modules = [(name = "${name}.js", esModule = embed "${name}.js")], ${more}))`
  const services = [
    script(
      'worker',
      `compatibilityFlags = [${flags.map(text).join(', ')}],
      bindings = [${bindings.join(',\n        ')}]`,
    ),
    // Otherwise workerd reaches public addresses only.
    '(name = "internet", network = (allow = ["public", "private"]))',
    `(name = "files", disk = (path = ${text(assets)}))`,
    script('assets', 'bindings = [(name = "FILES", service = "files")]'),
    mailQueue === undefined
      ? script('mail-queue', '')
      : `(name = "mail-queue", external = (address = ${text(mailQueue)}, http = ()))`,
    ...(mailQueue === undefined
      ? []
      : [
          script(
            'deliver',
            `compatibilityFlags = ["service_binding_extra_handlers"],
      bindings = [(name = "WORKER", service = "worker")]`,
          ),
        ]),
  ]
  const sockets = [
    socket('http', 'worker', address),
    ...(mailQueue === undefined ? [] : [socket('deliver', 'deliver')]),
  ]
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ["--max-heap-size=${HEAP_MB}"],
  services = [
    ${services.join(',\n    ')}
  ],
  sockets = [${sockets.join(', ')}],
  extensions = [(modules = [(name = "${RATE_LIMIT_MODULE}", internal = true, esModule = embed "rate-limit.js")])],
);
`
}
