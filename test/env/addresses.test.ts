import { expect, test } from 'vitest'
import { namesIn, problemsOf } from '../setup/configuration.ts'

/** What the addresses are in production. Everything else is as in the tests. */
const DEPLOYED = {
  ENVIRONMENT: 'production',
  DATABASE_URL: 'postgresql://app:pw@ep-calm-sea-123456.eu-central-1.aws.neon.tech/accounts',
  UPSTASH_REDIS_REST_URL: 'https://calm-sea-12345.upstash.io',
  NEON_HTTP_URL: undefined,
  RESEND_BASE_URL: undefined,
  CORS_ORIGINS: 'https://app.example.com,https://xn--bcher-kva.example',
  JWT_ISSUER: 'https://accounts.example.com',
  BREACHED_PASSWORDS_URL: 'https://api.pwnedpasswords.com',
}

test.each(['staging', 'production'])('readConfig accepts public addresses in %s', (ENVIRONMENT) => {
  expect(problemsOf({ ...DEPLOYED, ENVIRONMENT })).toEqual([])
  expect(problemsOf({ ...DEPLOYED, ENVIRONMENT, JWT_ISSUER: 'urn:acme:accounts' })).toEqual([])
  const proxies = { NEON_HTTP_URL: 'https://neon.example.com', FRONTEND_URL: 'https://8.8.8.8' }
  expect(problemsOf({ ...DEPLOYED, ENVIRONMENT, ...proxies })).toEqual([])
})

const DEVELOPMENT_HOSTS = [
  ...['localhost', 'localhost.', 'LOCALHOST', 'app.localhost', 'postgres', 'mac.local'],
  ...['host.docker.internal', '127.0.0.1', '127.1', '2130706433', '0x7f.0.0.1', '0.0.0.0'],
  ...['10.1.2.3', '172.16.0.1', '172.31.255.1', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
  ...['[::1]', '[::]', '[fd00::1]', '[fe80::1]', '[::ffff:127.0.0.1]', '[::ffff:10.0.0.1]'],
]

const ADDRESSES = [
  ...['FRONTEND_URL', 'PUBLIC_URL', 'CORS_ORIGINS', 'BREACHED_PASSWORDS_URL', 'JWT_ISSUER'],
  ...['NEON_HTTP_URL', 'RESEND_BASE_URL', 'UPSTASH_REDIS_REST_URL'],
]

test.each(ADDRESSES)(
  'readConfig rejects %s over http or at a development host, once deployed',
  (name) => {
    for (const ENVIRONMENT of ['staging', 'production']) {
      const origins = DEVELOPMENT_HOSTS.map((host) => new URL(`https://${host}`).origin)
      for (const url of ['http://accounts.example.com', ...origins]) {
        const problems = problemsOf({ ...DEPLOYED, ENVIRONMENT, [name]: url })
        expect(namesIn(problems), url).toEqual([name])
        expect(problems.join()).toMatch(/, in staging and production$/)
        expect(problems.join()).not.toContain(url)
      }
    }
    expect(problemsOf({ [name]: 'http://localhost:3000' })).toEqual([])
  },
)

test.each(DEVELOPMENT_HOSTS)('readConfig rejects a database at %s, once deployed', (host) => {
  const DATABASE_URL = `postgresql://app:pw@${host}/accounts`
  for (const ENVIRONMENT of ['staging', 'production']) {
    expect(namesIn(problemsOf({ ...DEPLOYED, ENVIRONMENT, DATABASE_URL }))).toEqual([
      'DATABASE_URL',
    ])
  }
  expect(problemsOf({ DATABASE_URL: 'postgresql://app:pw@localhost/accounts' })).toEqual([])
})

test('readConfig reports the addresses of every variable at once', () => {
  const urls = Object.fromEntries(ADDRESSES.map((name) => [name, 'http://localhost:1']))
  expect(namesIn(problemsOf({ ...DEPLOYED, ...urls, SECRET_KEY: 'short' }))).toEqual(
    [...ADDRESSES, 'SECRET_KEY'].toSorted(),
  )
})

test.each(['FRONTEND_URL', 'PUBLIC_URL', 'RESEND_BASE_URL', 'BREACHED_PASSWORDS_URL'])(
  'readConfig rejects %s with a query, a fragment or credentials: paths are appended to it',
  (name) => {
    for (const rest of ['/?a=b', '/?', '/#x', '/a#']) {
      expect(namesIn(problemsOf({ [name]: `https://app.example.com${rest}` }))).toEqual([name])
    }
    for (const user of ['me@', 'me:pw@', ':pw@']) {
      expect(namesIn(problemsOf({ [name]: `https://${user}app.example.com` }))).toEqual([name])
    }
    expect(namesIn(problemsOf({ [name]: 'no address' }))).toEqual([name])
  },
)
