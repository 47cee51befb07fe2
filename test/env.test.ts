import { expect, inject, test, vi } from 'vitest'
import { ConfigurationError, readConfig, Variables } from '../src/env.ts'
import { environment, expectError, visitor } from './setup/api.ts'

const valid = () => inject('world').bindings

/** What is wrong with the valid variables once these are replaced; undefined takes one away. */
function problemsOf(replaced: Record<string, string | undefined>): readonly string[] {
  const variables = Object.entries({ ...valid(), ...replaced })
  const given = Object.fromEntries(variables.filter(([, value]) => value !== undefined))
  const config = readConfig(given)
  return config instanceof ConfigurationError ? config.problems : []
}

/** The valid configuration with these replaced, as the code uses it. */
function configOf(replaced: Record<string, string>) {
  const config = readConfig({ ...valid(), ...replaced })
  if (config instanceof ConfigurationError) throw config
  return config
}

test('every problem is named at once, with its variable and never a value', () => {
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
  const named = problems.map((problem) => problem.split(':')[0])
  expect([...new Set(named)].toSorted()).toEqual([
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

test('with no variables at all, those without a default are named', () => {
  const config = readConfig({})
  expect(config instanceof ConfigurationError && config.problems.toSorted()).toEqual([
    'DATABASE_URL: is missing',
    'ENVIRONMENT: is missing',
    'FRONTEND_URL: set FRONTEND_URL, or PUBLIC_URL for the built-in page: links in mails need one',
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

test('a variable that is empty counts as not set', () => {
  const optional = Object.keys(Variables.shape).filter((name) => !REQUIRED.includes(name))
  const emptied = Object.fromEntries(optional.map((name) => [name, '']))
  const config = configOf({ ...emptied, PUBLIC_URL: 'https://accounts.example.com/' })
  expect(config).toMatchObject({
    projectName: 'ADL Production',
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
    const problems = problemsOf({ [name]: '' })
    expect(new Set(problems.map((problem) => problem.split(':')[0]))).toEqual(new Set([name]))
  }
})

test('variables change what they are for', () => {
  const config = configOf({
    PROJECT_NAME: 'Acme',
    CORS_ORIGINS: ' https://a.example , http://localhost:3000,, ',
    FRONTEND_URL: 'https://app.example.com/accounts/',
    JWT_ISSUER: 'https://accounts.example.com',
    ACCESS_TOKEN_EXPIRE_MINUTES: '5',
    RESET_TOKEN_EXPIRE_MINUTES: '30',
  })
  expect(config).toMatchObject({
    projectName: 'Acme',
    corsOrigins: ['https://a.example', 'http://localhost:3000'],
    linkBase: 'https://app.example.com/accounts',
    issuer: 'https://accounts.example.com',
    accessTokenSeconds: 300,
    resetTokenSeconds: 1800,
  })
})

test.each([
  ['a short one', 'k3J9x-Qm2_Zr7Wt5'],
  ['one letter', 'a'.repeat(64)],
  ['a word again and again', 'secret01'.repeat(8)],
  ['an example', 'your-secret-key-change-me-in-production-0123456789'],
  ['a password', 'MyVeryLongPassword-0123456789-abcdefghij'],
])('SECRET_KEY refuses %s', (_, SECRET_KEY) => {
  const problems = problemsOf({ SECRET_KEY })
  expect(problems.length).toBeGreaterThan(0)
  for (const problem of problems) {
    expect(problem).toMatch(/^SECRET_KEY: .+ "npm run keys"$/)
    expect(problem).not.toContain(SECRET_KEY)
  }
})

test.each([
  ['no JSON', 'not json'],
  ['no keys', '{"keys":[]}'],
  [
    'a public key',
    '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',
  ],
])('JWT_SIGNING_KEYS refuses %s', (_, JWT_SIGNING_KEYS) => {
  expect(problemsOf({ JWT_SIGNING_KEYS })[0]).toMatch(/^JWT_SIGNING_KEYS: /)
})

test('JWT_SIGNING_KEYS refuses two keys with one kid', () => {
  const { keys } = JSON.parse(valid()['JWT_SIGNING_KEYS'] ?? '')
  const JWT_SIGNING_KEYS = JSON.stringify({ keys: [keys[0], keys[0]] })
  expect(problemsOf({ JWT_SIGNING_KEYS })).toEqual([
    'JWT_SIGNING_KEYS: contains two keys with the same kid',
  ])
})

test('a configuration that is not valid answers 503 everywhere but for the probes', async () => {
  const log = vi.spyOn(console, 'log')
  const { get, post } = visitor({ env: environment({ SECRET_KEY: 'canary', BCRYPT_COST: '4' }) })
  for (const path of ['/', '/docs', '/openapi.json', '/.well-known/jwks.json', '/api/users/me']) {
    const answer = await get(path)
    expectError(answer, 503, 'ServiceUnavailableError', 'The service is not configured')
    expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/)
    expect(answer.headers.get('X-Frame-Options')).toBe('DENY')
  }
  const login = await post('/api/users/login', { username: 'ada', password: 'x' })
  expectError(login, 503, 'ServiceUnavailableError', 'The service is not configured')

  const { status, body } = await get('/health')
  expect(status).toBe(503)
  expect(body).toMatchObject({
    status: 'unhealthy',
    database: { connected: false, error: 'not_configured' },
    redis: { connected: false },
    email_configured: false,
  })
  expect(await get('/health/live')).toMatchObject({ status: 200, body: { status: 'alive' } })

  const lines = log.mock.calls.map(([line]) => String(line))
  const told = lines.filter((line) => line.includes('configuration_invalid'))
  expect(told).toHaveLength(1)
  expect(told[0]).toContain('SECRET_KEY: must be at least 32 random bytes')
  expect(told[0]).toContain('BCRYPT_COST: ')
  expect(lines.join()).not.toContain('canary')
})
