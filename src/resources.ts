import type { Bindings } from './context.ts'
import { type Connection, connect } from './db/client.ts'
import { isUnguessable } from './env/secrets.ts'
import { type Config, ConfigurationError, readConfig } from './env.ts'
import { observeLog, setLogLevel, writeLog } from './log.ts'
import { createMailer, type Mailer } from './mail/resend.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { createHashGate, type HashGate } from './passwords/gate.ts'
import { createLimiter, type Limiter } from './rate-limit/limiter.ts'
import { deriveKeys, type Keys } from './tokens/keys.ts'

/** Everything a request needs that is made once per isolate. None of it keeps a connection. */
export type Resources = {
  config: Config
  db: Connection
  limiter: Limiter
  hashGate: HashGate
  mailer: Mailer | undefined
  /** Undefined without METRICS_TOKEN: then nothing is counted. */
  metrics: Metrics | undefined
  keys: Keys
}

const made = new WeakMap<Bindings, Resources | ConfigurationError>()

/**
 * The resources for these bindings, made at the first call. A configuration that is not valid is
 * logged then, and stays the result until the next deploy.
 */
export function resourcesFor(bindings: Bindings): Resources | ConfigurationError {
  const known = made.get(bindings)
  if (known) return known
  const resources = makeResources(bindings)
  made.set(bindings, resources)
  if (resources instanceof ConfigurationError) {
    writeLog('error', 'configuration_invalid', { problems: resources.problems.join('; ') })
  }
  return resources
}

/** The bindings of wrangler.toml, and what is called. Most are used rarely: a fault shows at once. */
const BINDINGS = [
  ['ASSETS', 'fetch'],
  ['MAIL_QUEUE', 'sendBatch'],
  ['FALLBACK_LIMITER', 'limit'],
  ['FALLBACK_QUOTA', 'limit'],
] as const

const problemsOfBindings = (bindings: Bindings) =>
  BINDINGS.flatMap(([name, method]) => {
    if (!bindings[name]) return [`${name}: is not bound in wrangler.toml`]
    return typeof Reflect.get(Object(bindings[name]), method) === 'function'
      ? []
      : [`${name}: is bound to something else than in wrangler.toml: it has no ${method}()`]
  })

/** Says once an isolate what should not stay as it is. */
function warnOfLegacy({ legacy }: Config) {
  if (!legacy) return
  if (Date.now() >= legacy.until) writeLog('warn', 'legacy_until_passed')
  else if (!isUnguessable(legacy.secretKey)) writeLog('warn', 'legacy_secret_guessable')
}

function makeResources(bindings: Bindings): Resources | ConfigurationError {
  const problems = problemsOfBindings(bindings)
  const config = readConfig(bindings)
  if (config instanceof ConfigurationError) {
    return new ConfigurationError([...problems, ...config.problems])
  }
  if (problems.length > 0) return new ConfigurationError(problems)
  setLogLevel(config.logLevel)
  const metrics = config.metricsToken ? createMetrics(config) : undefined
  observeLog(metrics?.countEvent)
  warnOfLegacy(config)
  return {
    config,
    db: connect(config.database),
    limiter: createLimiter(config),
    hashGate: createHashGate({ cost: config.bcryptCost, queueMs: config.hashQueueMs }),
    mailer: config.mail && createMailer(config.mail),
    metrics,
    keys: deriveKeys(config),
  }
}
