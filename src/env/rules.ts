/** What must hold of several variables together. */
import * as z from 'zod/mini'
import { hasOnlyPublic } from './addresses.ts'
import { isSameSecret } from './secrets.ts'

type Values = Readonly<Record<string, unknown>>

/** Reported together with what is wrong with single variables, not only afterwards. */
const rule = (name: string, holds: (values: Values) => unknown, message: string) =>
  z.refine<Values>(holds, {
    path: [name],
    message,
    when: ({ value }) => typeof value === 'object' && value !== null,
  })

const isDeployed = ({ ENVIRONMENT: environment }: Values) =>
  environment === 'staging' || environment === 'production'

/** What an address must be in staging and production, where `npm run dev` has left none of its own. */
const PUBLIC_ADDRESSES = {
  DATABASE_URL: 'must not lead to this machine or a private network',
  NEON_HTTP_URL: 'is for the local gateway: unset it, or set a public https address',
  UPSTASH_REDIS_REST_URL: 'must be a public https address',
  RESEND_BASE_URL: 'is for the local mailbox: unset it, or set a public https address',
  JWT_ISSUER: 'must be a public https address if it is one at all',
  PUBLIC_URL: 'must be a public https address: links in emails lead there',
  FRONTEND_URL: 'must be a public https address: links in emails lead there',
  SIGN_IN_URL: 'must be a public https address: the built-in pages lead there',
  LOGO_URL: 'must be a public https address: pages and emails load it',
  CORS_ORIGINS: 'must be public https origins',
  BREACHED_PASSWORDS_URL: 'must be a public https address',
  EMAIL_FROM: 'must be an address in a domain of yours',
}

/** What is said of a secret that is the same as SECRET_KEY or one before it in this list. */
const SAME_SECRET = {
  SECRET_KEY_PREVIOUS: 'is the same as SECRET_KEY: set the value before it, or none',
  ADMIN_BOOTSTRAP_TOKEN:
    'is the same as SECRET_KEY or the one before: run "npm run keys" for one of its own',
  METRICS_TOKEN: 'is the same as another secret: run "npm run keys" for one of its own',
  LEGACY_SECRET_KEY:
    'is the same as another secret: run "npm run keys" for new ones of this service',
}

const SECRETS = ['SECRET_KEY', ...Object.keys(SAME_SECRET)]

const secretsBefore = (name: string) => SECRETS.slice(0, SECRETS.indexOf(name))

/** Two variables that are set together, or not at all. */
const together = (one: string, other: string) =>
  [
    [one, other],
    [other, one],
  ].map(([name = '', set = '']) =>
    rule(
      name,
      (values) => values[set] === undefined || values[name],
      `set it together with ${set}, or neither`,
    ),
  )

export const RULES = [
  rule(
    'FRONTEND_URL',
    (values) => values['FRONTEND_URL'] ?? values['PUBLIC_URL'],
    'set FRONTEND_URL, or PUBLIC_URL for the built-in page: links in emails need one of them',
  ),
  ...Object.entries(SAME_SECRET).map(([name, message]) =>
    rule(
      name,
      (values) => !secretsBefore(name).some((other) => isSameSecret(values[name], values[other])),
      message,
    ),
  ),
  ...together('LEGACY_SECRET_KEY', 'LEGACY_UNTIL'),
  rule(
    'RATE_LIMIT_FACTOR',
    (values) => !(isDeployed(values) && Number(values['RATE_LIMIT_FACTOR']) > 1),
    'is for development: unset it, or set 1, in staging and production',
  ),
  ...Object.entries(PUBLIC_ADDRESSES).map(([name, message]) =>
    rule(
      name,
      (values) => !isDeployed(values) || hasOnlyPublic(values[name]),
      `${message}, in staging and production`,
    ),
  ),
]
