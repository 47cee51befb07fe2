import { expect, test } from 'vitest'
import { ConfigurationError, readConfig, Variables } from '../src/env.ts'
import { configOf, namesIn, problemsOf } from './setup/configuration.ts'

test('readConfig reports every problem at once, by the name of the variable and without its value', () => {
  const problems = problemsOf({
    ENVIRONMENT: 'canary-0',
    DATABASE_URL: 'mysql://canary-1',
    UPSTASH_REDIS_REST_URL: undefined,
    EMAIL_FROM: 'a@canary-2.example, b@canary-2.example',
    SECRET_KEY: 'canary-3',
    JWT_SIGNING_KEYS: '{"keys": [{"kty": "oct", "k": "canary-4"}]}',
    ADMIN_BOOTSTRAP_TOKEN: 'canary-5',
    CORS_ORIGINS: 'https://canary-6.example/path',
    BCRYPT_COST: '9',
    RATE_LIMIT_PER_HOUR: 'canary-7',
    FRONTEND_URL: undefined,
    PUBLIC_URL: undefined,
  })
  expect(namesIn(problems)).toEqual([
    'ADMIN_BOOTSTRAP_TOKEN',
    'BCRYPT_COST',
    'CORS_ORIGINS',
    'DATABASE_URL',
    'EMAIL_FROM',
    'ENVIRONMENT',
    'FRONTEND_URL',
    'JWT_SIGNING_KEYS',
    'RATE_LIMIT_PER_HOUR',
    'SECRET_KEY',
    'UPSTASH_REDIS_REST_URL',
  ])
  expect(problems).toContain('UPSTASH_REDIS_REST_URL: is missing')
  expect(problems.join()).not.toContain('canary')
})

test('readConfig reports each variable without a default if there are none at all', () => {
  const config = readConfig({})
  expect(config instanceof ConfigurationError && config.problems.toSorted()).toEqual([
    'DATABASE_URL: is missing',
    'ENVIRONMENT: is missing',
    'FRONTEND_URL: set FRONTEND_URL, or PUBLIC_URL for the built-in page: links in emails need one of them',
    'JWT_SIGNING_KEYS: is missing',
    'SECRET_KEY: is missing',
    'UPSTASH_REDIS_REST_TOKEN: is missing',
    'UPSTASH_REDIS_REST_URL: is missing',
  ])
})

const REQUIRED = [
  'ENVIRONMENT',
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'SECRET_KEY',
  'JWT_SIGNING_KEYS',
]

test('readConfig treats an empty variable as not set', () => {
  const optional = Object.keys(Variables.shape).filter((name) => !REQUIRED.includes(name))
  const emptied = Object.fromEntries(optional.map((name) => [name, '']))
  const config = configOf({ ...emptied, PUBLIC_URL: 'https://accounts.example.com/' })
  expect(config).toMatchObject({
    brand: { name: 'ADL Production', logoUrl: undefined },
    mail: undefined,
    linkBase: 'https://accounts.example.com',
    corsOrigins: [],
    issuer: 'urn:accounts:test',
    bootstrapToken: undefined,
    accessTokenSeconds: 15 * 60,
    refreshTokenSeconds: 7 * 24 * 60 * 60,
    resetTokenSeconds: 60 * 60,
    passwordMinLength: 8,
    bcryptCost: 10,
    requestsPerHour: 200,
    auditRetentionSeconds: 365 * 24 * 60 * 60,
  })
  for (const name of REQUIRED) {
    expect(namesIn(problemsOf({ [name]: '' }))).toEqual([name])
  }
})

test('readConfig returns the values of optional variables', () => {
  const config = configOf({
    PROJECT_NAME: 'Acme',
    CORS_ORIGINS: ' https://a.example , http://localhost:3000,, ',
    FRONTEND_URL: 'https://app.example.com/accounts/',
    JWT_ISSUER: 'https://accounts.example.com',
    ACCESS_TOKEN_EXPIRE_MINUTES: '5',
    RESET_TOKEN_EXPIRE_MINUTES: '30',
  })
  expect(config).toMatchObject({
    brand: { name: 'Acme' },
    corsOrigins: ['https://a.example', 'http://localhost:3000'],
    linkBase: 'https://app.example.com/accounts',
    issuer: 'https://accounts.example.com',
    accessTokenSeconds: 300,
    resetTokenSeconds: 1800,
  })
})

test.each(['RESEND_API_KEY', 'JWT_ISSUER', 'UPSTASH_REDIS_REST_TOKEN'])(
  'readConfig rejects %s with whitespace',
  (name) => {
    for (const value of [' re_123', 're_123\n', 're 123', '\t']) {
      expect(problemsOf({ [name]: value })).toEqual([`${name}: must not contain spaces`])
    }
  },
)

test('readConfig reads ERASE_DELETED_AFTER_DAYS as seconds, and leaves it off when empty', () => {
  const seconds = (days: string) => configOf({ ERASE_DELETED_AFTER_DAYS: days })
  expect(seconds('30')).toMatchObject({ eraseDeletedAfterSeconds: 30 * 24 * 60 * 60 })
  expect(seconds('').eraseDeletedAfterSeconds).toBeUndefined()
  for (const days of ['0', '-1', '1.5', '3651', 'never', ' ']) {
    expect(namesIn(problemsOf({ ERASE_DELETED_AFTER_DAYS: days }))).toEqual([
      'ERASE_DELETED_AFTER_DAYS',
    ])
  }
})
