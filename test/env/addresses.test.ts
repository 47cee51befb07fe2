import { neon } from '@neondatabase/serverless'
import { expect, test } from 'vitest'
import { namesIn, problemsOf } from '../setup/configuration.ts'

/** What the addresses are in production. Everything else is as in the tests. */
const DEPLOYED = {
  ENVIRONMENT: 'production',
  DATABASE_URL: 'postgresql://app:pw@ep-calm-sea-123456.eu-central-1.aws.neon.tech/accounts',
  UPSTASH_REDIS_REST_URL: 'https://calm-sea-12345.upstash.io',
  NEON_HTTP_URL: undefined,
  RESEND_BASE_URL: undefined,
  EMAIL_FROM: 'Acme <accounts@acme.io>',
  PUBLIC_URL: 'https://accounts.acme.io',
  FRONTEND_URL: 'https://app.acme.io',
  SIGN_IN_URL: 'https://app.acme.io/login',
  LOGO_URL: 'https://cdn.acme.io/logo.png',
  CORS_ORIGINS: 'https://app.acme.io,https://xn--bcher-kva.de',
  JWT_ISSUER: 'https://accounts.acme.io',
  BREACHED_PASSWORDS_URL: 'https://api.pwnedpasswords.com',
}

test.each(['staging', 'production'])('readConfig accepts public addresses in %s', (ENVIRONMENT) => {
  expect(problemsOf({ ...DEPLOYED, ENVIRONMENT })).toEqual([])
  expect(problemsOf({ ...DEPLOYED, ENVIRONMENT, JWT_ISSUER: 'urn:acme:accounts' })).toEqual([])
  const proxies = { NEON_HTTP_URL: 'https://neon.acme.io', FRONTEND_URL: 'https://8.8.8.8' }
  expect(problemsOf({ ...DEPLOYED, ENVIRONMENT, ...proxies })).toEqual([])
})

test.each([
  ...['10.acme.io', '127.acme.io', '0.acme.io', '192.168.acme.io', '224.acme.io', 'fc.acme.io'],
  ...['localhost.acme.io', 'example.acme.io', 'myexample.com', 'example.io', 'acme.test.io'],
  ...['172.15.0.1', '172.32.0.1', '100.128.0.1', '192.0.3.1', '198.20.0.1', '223.255.255.1'],
  ...['[2606:4700::1111]', '[2001:4860::8888]', '[2001:470::1]', '[3fff:1000::1]', 'acme.io.'],
])('readConfig accepts the public host %s, once deployed', (host) => {
  const FRONTEND_URL = `https://${host}`
  const DATABASE_URL = `postgresql://app:pw@${host}/accounts`
  expect(problemsOf({ ...DEPLOYED, FRONTEND_URL, DATABASE_URL })).toEqual([])
})

const DEVELOPMENT_HOSTS = [
  ...['localhost', 'localhost.', 'LOCALHOST', 'app.localhost', 'postgres', 'mac.local'],
  ...['host.docker.internal', '127.0.0.1', '127.1', '2130706433', '0x7f.0.0.1', '0.0.0.0'],
  ...['10.1.2.3', '172.16.0.1', '172.31.255.1', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
  ...['[::1]', '[::]', '[fd00::1]', '[fe80::1]', '[::ffff:127.0.0.1]', '[::ffff:10.0.0.1]'],
]

/** Hosts that nobody reaches, and those of documentation. */
const PLACEHOLDER_HOSTS = [
  ...['localhost..', 'localhost.localdomain', 'app.lan', 'app.corp', 'app.home', 'app.home.arpa'],
  ...['app.intranet', 'app.test', 'app.invalid', 'app.example', 'example.net', 'app.example.com'],
  ...['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.19.0.1', '198.51.100.1', '203.0.113.1'],
  ...['224.0.0.1', '240.0.0.1', '255.255.255.255', '[64:ff9b::7f00:1]', '[2002:7f00:1::]'],
  ...['[fec0::1]', '[ff02::1]', '[2001:db8::1]', '[100::1]', '[2001::1]', '[2001:10::1]'],
  ...['[3fff::1]', '[3fff:abc::1]', '[2::1]'],
]

const ADDRESSES = [
  ...['FRONTEND_URL', 'PUBLIC_URL', 'CORS_ORIGINS', 'BREACHED_PASSWORDS_URL', 'JWT_ISSUER'],
  ...['SIGN_IN_URL', 'NEON_HTTP_URL', 'RESEND_BASE_URL', 'UPSTASH_REDIS_REST_URL'],
]

test.each(ADDRESSES)(
  'readConfig rejects %s over http or at a development host, once deployed',
  (name) => {
    for (const ENVIRONMENT of ['staging', 'production']) {
      const hosts = [...DEVELOPMENT_HOSTS, ...PLACEHOLDER_HOSTS]
      const origins = hosts.map((host) => new URL(`https://${host}`).origin)
      for (const url of ['http://accounts.acme.io', ...origins]) {
        const problems = problemsOf({ ...DEPLOYED, ENVIRONMENT, [name]: url })
        expect(namesIn(problems), url).toEqual([name])
        expect(problems.join()).toMatch(/, in staging and production$/)
        expect(problems.join()).not.toContain(url)
      }
    }
    expect(problemsOf({ [name]: 'http://localhost:3000' })).toEqual([])
  },
)

test.each([...DEVELOPMENT_HOSTS, ...PLACEHOLDER_HOSTS])(
  'readConfig rejects a database at %s, once deployed',
  (host) => {
    const DATABASE_URL = `postgresql://app:pw@${host}/accounts`
    for (const ENVIRONMENT of ['staging', 'production']) {
      expect(namesIn(problemsOf({ ...DEPLOYED, ENVIRONMENT, DATABASE_URL }))).toEqual([
        'DATABASE_URL',
      ])
    }
    expect(problemsOf({ DATABASE_URL: 'postgresql://app:pw@localhost/accounts' })).toEqual([])
  },
)

test.each(['development', 'test', 'staging', 'production'])(
  'readConfig rejects a DATABASE_URL with a backslash in %s: to Neon’s driver it ends the host',
  async (ENVIRONMENT) => {
    for (const url of [
      'postgresql://evil.com\\@127.0.0.1/accounts',
      'postgresql://app:1\\2@db.acme.io/accounts',
      'postgresql://app:p\\w@db.acme.io/accounts',
    ]) {
      await expect(neon(url)`select 1`).rejects.toThrow(/connection (string|parameters)/)
      expect(problemsOf({ ...DEPLOYED, ENVIRONMENT, DATABASE_URL: url })).toEqual([
        'DATABASE_URL: must be postgresql://user:password@host/database, with %5C for a backslash',
      ])
    }
    const DATABASE_URL = 'postgresql://app:p%5Cw@db.acme.io/accounts'
    expect(problemsOf({ ...DEPLOYED, ENVIRONMENT, DATABASE_URL })).toEqual([])
  },
)

test('readConfig rejects an EMAIL_FROM in no public domain, once deployed', () => {
  for (const address of ['a@example.com', 'a@mail.example.org', 'a@localhost', 'a@acme.internal']) {
    for (const EMAIL_FROM of [address, `Acme <${address}>`]) {
      expect(problemsOf({ ...DEPLOYED, EMAIL_FROM })).toEqual([
        'EMAIL_FROM: must be an address in a domain of yours, in staging and production',
      ])
      expect(problemsOf({ EMAIL_FROM })).toEqual([])
    }
  }
  for (const EMAIL_FROM of ['a@acme.io', 'Acme (localhost) <a@10.acme.io>']) {
    expect(problemsOf({ ...DEPLOYED, EMAIL_FROM })).toEqual([])
  }
})

test('readConfig looks at the host of an address, not at an @ behind it', () => {
  for (const FRONTEND_URL of ['https://localhost/@acme.io', 'https://127.0.0.1/a@acme.io']) {
    expect(namesIn(problemsOf({ ...DEPLOYED, FRONTEND_URL }))).toEqual(['FRONTEND_URL'])
  }
  expect(problemsOf({ ...DEPLOYED, FRONTEND_URL: 'https://acme.io/@localhost' })).toEqual([])
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
