import { en } from 'zod/locales'
import * as z from 'zod/mini'

// zod/mini brings no messages of its own.
z.config(en())

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

const integer = (fallback: number, minimum: number, maximum: number) =>
  z._default(z.coerce.number().check(z.int(), z.minimum(minimum), z.maximum(maximum)), fallback)

const httpUrl = z.pipe(
  z.url({ protocol: /^https?$/ }),
  z.transform((url) => url.replace(/\/+$/, '')),
)

/** What Neon's driver needs: it throws at any other. */
const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ }).check(
  z.refine(
    (url) => {
      const { username, hostname, pathname } = new URL(url)
      return username !== '' && hostname !== '' && pathname.length > 1
    },
    { message: 'must be postgresql://user:password@host/database' },
  ),
)

/** What Upstash's SDK accepts: it throws at any other. */
const redisUrl = httpUrl.check(
  z.refine((url) => /^https?:\/\/[^\s#$./?].\S*$/.test(url), {
    message: 'must begin with https:// in lower case, and a host name',
  }),
)

/** What a generator never makes but people paste: `changeme…`, `aaaa…`, `your-secret-key…`. */
const PLACEHOLDER =
  /change.?me|placeholder|example|your.?secret|secret.?key|password|^(.{1,8})\1+$/i

/** RFC 2104 wants a key as long as the hash: 32 bytes; in base64 those are 43 characters. */
const SECRET_BYTES = 32

const secretKey = z.string().check(
  z.refine((key) => new TextEncoder().encode(key).length >= SECRET_BYTES, {
    message: `must be at least ${SECRET_BYTES} random bytes: run "npm run keys"`,
  }),
  z.refine((key) => !PLACEHOLDER.test(key) && new Set(key).size >= 12, {
    message: 'looks like a placeholder: run "npm run keys"',
  }),
)

const bootstrapToken = z.string().check(
  z.minLength(16),
  z.refine((token) => !PLACEHOLDER.test(token), {
    message: 'looks like a placeholder: run "npm run keys"',
  }),
)

const signingKey = z.pipe(
  z.strictObject({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    kid: z.string().check(z.minLength(1), z.maxLength(64)),
    x: z.base64url().check(z.length(43)),
    d: z.base64url().check(z.length(43)),
    alg: z.optional(z.literal('EdDSA')),
    use: z.optional(z.literal('sig')),
  }),
  z.transform(({ kty, crv, kid, x, d }) => ({ kty, crv, kid, x, d })),
)

/** The parsed text, or an issue. */
const parsedJson = z.transform((text: string, context): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    const message = 'must be a JWK Set as JSON: run "npm run keys"'
    context.issues.push({ code: 'custom', input: text, message })
    return z.NEVER
  }
})

const jwkSet = z.object({ keys: z.array(signingKey).check(z.minLength(1), z.maxLength(4)) }).check(
  z.refine(({ keys }) => new Set(keys.map(({ kid }) => kid)).size === keys.length, {
    message: 'contains two keys with the same kid',
  }),
)

/** A private JWK Set (RFC 7517). The first key signs; all of them verify, so that one can be rotated. */
const signingKeys = z.pipe(
  z.pipe(z.pipe(z.string(), parsedJson), jwkSet),
  z.transform(({ keys }) => keys),
)

const isOrigin = (text: string) =>
  URL.canParse(text) && new URL(text).origin === text && !text.includes('*')

const listed = z.transform((list: string) =>
  list
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)

const origins = z.pipe(
  z.pipe(z._default(z.string(), ''), listed),
  z.array(
    z.string().check(
      z.refine(isOrigin, {
        message: 'must be origins such as https://app.example.com, without a path or a wildcard',
      }),
    ),
  ),
)

const oneAddress = /^(?:[^<>\r\n,;"]+ <[^\s<>@,]+@[^\s<>@,]+>|[^\s<>@,]+@[^\s<>@,]+)$/

/** Every variable and secret, by the name it has in wrangler.toml and .dev.vars.example. */
export const Variables = z
  .object({
    ENVIRONMENT: z.enum(['development', 'test', 'staging', 'production']),
    PROJECT_NAME: z._default(z.string().check(z.minLength(1), z.maxLength(60)), 'ADL Production'),
    LOG_LEVEL: z._default(z.enum(['debug', 'info', 'warn', 'error']), 'info'),

    DATABASE_URL: databaseUrl,
    NEON_HTTP_URL: z.optional(httpUrl),
    UPSTASH_REDIS_REST_URL: redisUrl,
    UPSTASH_REDIS_REST_TOKEN: z.string().check(z.regex(/^\S+$/, 'must not contain spaces')),
    REDIS_TIMEOUT_MS: integer(400, 50, 5000),
    RESEND_API_KEY: z.optional(z.string()),
    RESEND_BASE_URL: z.optional(httpUrl),
    EMAIL_FROM: z.optional(
      z.string().check(z.regex(oneAddress, 'must be one address: "Name <a@b.example>"')),
    ),

    SECRET_KEY: secretKey,
    JWT_SIGNING_KEYS: signingKeys,
    JWT_ISSUER: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
    ADMIN_BOOTSTRAP_TOKEN: z.optional(bootstrapToken),

    PUBLIC_URL: z.optional(httpUrl),
    FRONTEND_URL: z.optional(httpUrl),
    CORS_ORIGINS: origins,

    ACCESS_TOKEN_EXPIRE_MINUTES: integer(15, 1, 60),
    REFRESH_TOKEN_EXPIRE_DAYS: integer(7, 1, 30),
    RESET_TOKEN_EXPIRE_MINUTES: integer(60, 5, 24 * 60),
    PASSWORD_MIN_LENGTH: integer(8, 8, 64),
    BREACHED_PASSWORDS_URL: z.optional(httpUrl),
    BCRYPT_COST: integer(10, 10, 14),
    HASH_QUEUE_MS: integer(2000, 500, 20_000),
    RATE_LIMIT_PER_HOUR: integer(200, 1, 1_000_000),
    AUDIT_RETENTION_DAYS: integer(365, 30, 3650),
  })
  .check(
    z.refine((env) => env.FRONTEND_URL ?? env.PUBLIC_URL, {
      path: ['FRONTEND_URL'],
      message:
        'set FRONTEND_URL, or PUBLIC_URL for the built-in page: links in emails need one of them',
      // Reported together with the problems of other variables, not only once those are fixed.
      when: ({ value }) => typeof value === 'object' && value !== null,
    }),
  )

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
    projectName: env.PROJECT_NAME,
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
    signingKeys: env.JWT_SIGNING_KEYS,
    issuer: env.JWT_ISSUER ?? `urn:accounts:${env.ENVIRONMENT}`,
    bootstrapToken: env.ADMIN_BOOTSTRAP_TOKEN,
    linkBase: env.FRONTEND_URL ?? env.PUBLIC_URL ?? '',
    frontendUrl: env.FRONTEND_URL,
    publicUrl: env.PUBLIC_URL,
    corsOrigins: env.CORS_ORIGINS,
    accessTokenSeconds: env.ACCESS_TOKEN_EXPIRE_MINUTES * MINUTE,
    refreshTokenSeconds: env.REFRESH_TOKEN_EXPIRE_DAYS * DAY,
    resetTokenSeconds: env.RESET_TOKEN_EXPIRE_MINUTES * MINUTE,
    passwordMinLength: env.PASSWORD_MIN_LENGTH,
    breachedPasswordsUrl: env.BREACHED_PASSWORDS_URL,
    bcryptCost: env.BCRYPT_COST,
    hashQueueMs: env.HASH_QUEUE_MS,
    requestsPerHour: env.RATE_LIMIT_PER_HOUR,
    auditRetentionSeconds: env.AUDIT_RETENTION_DAYS * DAY,
  }
}
