import { en } from 'zod/locales'
import * as z from 'zod/mini'
import { databaseUrl, httpUrl, origins, pageUrl, redisUrl, sender } from './env/addresses.ts'
import { BrandVariables, brandOf } from './env/brand.ts'
import { LegacyVariables, legacyOf } from './env/legacy.ts'
import { RULES } from './env/rules.ts'
import { bootstrapToken, metricsToken, secretKey, signingKeys } from './env/secrets.ts'

// zod/mini brings no messages of its own.
z.config(en())

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

function wholeNumber(minimum: number, maximum: number) {
  const message = `must be a whole number from ${minimum} to ${maximum}`
  const isInRange = (n: number) => Number.isInteger(n) && n >= minimum && n <= maximum
  return z.coerce.number(message).check(z.refine(isInRange, { message }))
}

const integer = (fallback: number, minimum: number, maximum: number) =>
  z._default(wholeNumber(minimum, maximum), fallback)

const oneOf = <const Values extends readonly string[]>(...values: Values) =>
  z.enum(values, `must be one of ${values.join(', ')}`)

/** What may be sent in a header or compared as a whole. */
const withoutSpaces = z.string().check(z.regex(/^\S+$/, 'must not contain spaces'))

/** What `BCRYPT_COST` may be: less is guessed too fast, more takes a second. */
export const BCRYPT_COSTS = { least: 10, most: 14 }

/** Every variable and secret, by the name it has in wrangler.toml and .dev.vars.example. */
export const Variables = z
  .object({
    ENVIRONMENT: oneOf('development', 'test', 'staging', 'production'),
    ...BrandVariables.shape,
    LOG_LEVEL: z._default(oneOf('debug', 'info', 'warn', 'error'), 'info'),

    DATABASE_URL: databaseUrl,
    NEON_HTTP_URL: z.optional(httpUrl),
    UPSTASH_REDIS_REST_URL: redisUrl,
    UPSTASH_REDIS_REST_TOKEN: withoutSpaces,
    REDIS_TIMEOUT_MS: integer(400, 50, 5000),
    RESEND_API_KEY: z.optional(withoutSpaces),
    RESEND_BASE_URL: z.optional(httpUrl),
    EMAIL_FROM: z.optional(sender),

    SECRET_KEY: secretKey,
    SECRET_KEY_PREVIOUS: z.optional(secretKey),
    JWT_SIGNING_KEYS: signingKeys,
    JWT_ISSUER: z.optional(withoutSpaces.check(z.maxLength(200))),
    ADMIN_BOOTSTRAP_TOKEN: z.optional(bootstrapToken),
    METRICS_TOKEN: z.optional(metricsToken),
    ...LegacyVariables.shape,

    PUBLIC_URL: z.optional(httpUrl),
    FRONTEND_URL: z.optional(httpUrl),
    SIGN_IN_URL: z.optional(pageUrl),
    CORS_ORIGINS: origins,
    COOKIE_SAME_SITE: z._default(oneOf('none', 'strict'), 'none'),

    ACCESS_TOKEN_EXPIRE_MINUTES: integer(15, 1, 60),
    REFRESH_TOKEN_EXPIRE_DAYS: integer(7, 1, 30),
    RESET_TOKEN_EXPIRE_MINUTES: integer(60, 5, 24 * 60),
    PASSWORD_MIN_LENGTH: integer(8, 8, 64),
    BREACHED_PASSWORDS_URL: z.optional(httpUrl),
    BCRYPT_COST: integer(10, BCRYPT_COSTS.least, BCRYPT_COSTS.most),
    HASH_QUEUE_MS: integer(2000, 500, 20_000),
    RATE_LIMIT_PER_HOUR: integer(200, 1, 1_000_000),
    RATE_LIMIT_FACTOR: integer(1, 1, 10_000),
    AUDIT_RETENTION_DAYS: integer(365, 30, 3650),
    ERASE_DELETED_AFTER_DAYS: z.optional(wholeNumber(1, 3650)),
  })
  .check(...RULES)

/** The variables as the code uses them. Durations are in seconds. */
export type Config = ReturnType<typeof configOf>

/** What is wrong with the bindings. `problems` name variables and rules, never a value. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The configuration is not valid: ${problems.join('; ')}`)
    this.problems = problems
  }
}

/** Validates the bindings. The error names every variable that is missing or wrong at once. */
export function readConfig(bindings: object): Config | ConfigurationError {
  const variables = withoutEmpty(bindings)
  const parsed = Variables.safeParse(variables, { reportInput: false })
  if (parsed.success) return configOf(parsed.data)
  return new ConfigurationError(
    parsed.error.issues.map(({ path, code, message }) =>
      code !== 'custom' && !(String(path[0]) in variables)
        ? `${String(path[0])}: is missing`
        : `${String(path[0])}: ${message}`,
    ),
  )
}

/** A variable that is set but empty counts as not set: that is how shells and dashboards clear one. */
const withoutEmpty = (bindings: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(bindings).filter(([, value]) => value !== ''))

function configOf(env: z.output<typeof Variables>) {
  return {
    environment: env.ENVIRONMENT,
    brand: brandOf(env),
    logLevel: env.LOG_LEVEL,
    database: { url: env.DATABASE_URL, endpoint: env.NEON_HTTP_URL },
    redis: {
      url: env.UPSTASH_REDIS_REST_URL,
      token: env.UPSTASH_REDIS_REST_TOKEN,
      timeoutMs: env.REDIS_TIMEOUT_MS,
    },
    mail:
      env.RESEND_API_KEY && env.EMAIL_FROM
        ? { apiKey: env.RESEND_API_KEY, from: env.EMAIL_FROM, baseUrl: env.RESEND_BASE_URL }
        : undefined,
    secretKey: env.SECRET_KEY,
    previousSecretKey: env.SECRET_KEY_PREVIOUS,
    signingKeys: env.JWT_SIGNING_KEYS,
    issuer: env.JWT_ISSUER ?? `urn:accounts:${env.ENVIRONMENT}`,
    bootstrapToken: env.ADMIN_BOOTSTRAP_TOKEN,
    /** Undefined: there are no metrics. */
    metricsToken: env.METRICS_TOKEN,
    /** Undefined: tokens of the former service are not accepted. */
    legacy: legacyOf(env, env.REFRESH_TOKEN_EXPIRE_DAYS * DAY),
    linkBase: env.FRONTEND_URL ?? env.PUBLIC_URL ?? '',
    frontendUrl: env.FRONTEND_URL,
    publicUrl: env.PUBLIC_URL,
    /** Undefined: there is no frontend to sign in at. */
    signInUrl: env.SIGN_IN_URL ?? env.FRONTEND_URL,
    corsOrigins: env.CORS_ORIGINS,
    /** A frontend in development has whatever port is free. */
    allowsLocalOrigins: env.ENVIRONMENT === 'development',
    cookieSameSite: env.COOKIE_SAME_SITE,
    accessTokenSeconds: env.ACCESS_TOKEN_EXPIRE_MINUTES * MINUTE,
    refreshTokenSeconds: env.REFRESH_TOKEN_EXPIRE_DAYS * DAY,
    resetTokenSeconds: env.RESET_TOKEN_EXPIRE_MINUTES * MINUTE,
    passwordMinLength: env.PASSWORD_MIN_LENGTH,
    breachedPasswordsUrl: env.BREACHED_PASSWORDS_URL,
    bcryptCost: env.BCRYPT_COST,
    hashQueueMs: env.HASH_QUEUE_MS,
    requestsPerHour: env.RATE_LIMIT_PER_HOUR,
    /** How many times as much as in production every limit allows. */
    rateLimitFactor: env.RATE_LIMIT_FACTOR,
    auditRetentionSeconds: env.AUDIT_RETENTION_DAYS * DAY,
    /** Undefined: deleted users are not erased. */
    eraseDeletedAfterSeconds: env.ERASE_DELETED_AFTER_DAYS && env.ERASE_DELETED_AFTER_DAYS * DAY,
  }
}
