import { expect, test } from 'vitest'
import type { Bindings } from '../../src/context.ts'
import { environment, visitor } from '../setup/api.ts'
import { expectClean, listen } from './captured-log.ts'

/** What no environment that is deployed rejects. */
const DEPLOYED: Partial<Bindings> = {
  DATABASE_URL: 'postgresql://app:pw@ep-calm-sea-123456.eu-central-1.aws.neon.tech/accounts',
  UPSTASH_REDIS_REST_URL: 'https://calm-sea-12345.upstash.io',
  NEON_HTTP_URL: '',
  RESEND_BASE_URL: '',
  EMAIL_FROM: 'Acme <accounts@acme.io>',
  PUBLIC_URL: 'https://accounts.acme.io',
  FRONTEND_URL: 'https://app.acme.io',
  CORS_ORIGINS: 'https://app.acme.io',
}

const client = (variables: Partial<Bindings> = {}) =>
  visitor({ env: environment({ CORS_ORIGINS: '', ...variables }) })

async function isAllowed(caller: ReturnType<typeof visitor>, Origin: string) {
  const headers = { Origin, 'Access-Control-Request-Method': 'POST' }
  const preflight = await caller.call('OPTIONS', '/api/users/login', undefined, { headers })
  const read = await caller.get('/', { headers: { Origin } })
  const names = [preflight, read].map((each) => each.headers.get('Access-Control-Allow-Origin'))
  expect([
    [Origin, Origin],
    [null, null],
  ]).toContainEqual(names)
  expect(read.status).toBe(200)
  return names[0] === Origin
}

const LOCAL = [
  ...['http://localhost', 'http://localhost:3000', 'https://localhost:65535'],
  ...['http://app.localhost:5173', 'http://a.b.localhost', 'http://127.0.0.1:8080'],
  ...['https://127.0.0.1', 'http://[::1]:4321', 'http://[::1]'],
]

const NOT_LOCAL = [
  ...['null', 'localhost', 'localhost:3000', '//localhost', 'file://localhost', 'ftp://localhost'],
  ...[
    'http://localhost.',
    'http://localhost.evil.net',
    'http://evil-localhost',
    'http://localhost@evil.net',
  ],
  ...[
    'http://evil.net#localhost',
    'http://localhost:3000/',
    'http://localhost:3000\\@evil.net',
    'http://LOCALHOST:3000',
  ],
  ...[
    'http://localhost:80',
    'http://localhost:99999',
    'http://127.0.0.2',
    'http://127.1',
    'http://2130706433',
  ],
  ...[
    'http://127.0.0.1.evil.net',
    'http://0.0.0.0',
    'http://192.168.0.5:3000',
    'http://[::ffff:127.0.0.1]',
  ],
  ...['http://[::]', 'https://evil.net', 'http://localhost, http://evil.net', 'http://*.localhost'],
]

test('29: in development every origin of this machine is allowed, at any port, and no other', async () => {
  const caller = client({ ENVIRONMENT: 'development' })
  for (const origin of LOCAL) expect(await isAllowed(caller, origin), origin).toBe(true)
  for (const origin of NOT_LOCAL) expect(await isAllowed(caller, origin), origin).toBe(false)
})

test.each<[Bindings['ENVIRONMENT'], Partial<Bindings>]>([
  ['test', {}],
  ['staging', DEPLOYED],
  ['production', DEPLOYED],
])(
  '29: in %s no origin of a machine is allowed unless it is listed',
  async (ENVIRONMENT, variables) => {
    const caller = client({ ENVIRONMENT, ...variables })
    for (const origin of LOCAL) expect(await isAllowed(caller, origin), origin).toBe(false)
    if (variables.CORS_ORIGINS) expect(await isAllowed(caller, variables.CORS_ORIGINS)).toBe(true)
  },
)

const reports = (output: ReturnType<typeof listen>) =>
  output.lines().filter(({ event }) => event === 'origin_not_allowed')

test('30: an origin that is not listed is logged once, with the name of the variable', async () => {
  const output = listen()
  const caller = client({ CORS_ORIGINS: 'https://app.example.com' })
  const origins = ['http://192.168.0.5:3000', 'null', 'capacitor://localhost']
  for (const Origin of origins) {
    for (let i = 0; i < 2; i++) await isAllowed(caller, Origin)
  }
  expect(reports(output)).toEqual(
    origins.map((origin) => ({
      time: expect.any(String),
      level: 'warn',
      event: 'origin_not_allowed',
      request_id: expect.any(String),
      origin,
      variable: 'CORS_ORIGINS',
    })),
  )
})

test('30: listed origins, our own and requests without an origin are not logged', async () => {
  const output = listen()
  const caller = client({
    CORS_ORIGINS: 'https://app.example.com',
    PUBLIC_URL: 'https://id.example.org/x',
  })
  for (const Origin of [
    'https://app.example.com',
    'https://accounts.example.com',
    'https://id.example.org',
  ]) {
    await isAllowed(caller, Origin)
  }
  await caller.get('/')
  expect(output.lines()).not.toEqual([])
  expect(reports(output)).toEqual([])
})

test('30: what is no origin is not logged, and twenty origins are the most that one isolate logs', async () => {
  const output = listen()
  const caller = client()
  const forged = [
    ...['x', 'https://', 'https://evil.net/path', 'https://evil.net?q', 'https://a b'],
    ...[
      'https://evil.net","level":"error',
      '{"a":1}',
      `https://${'x'.repeat(300)}.net`,
      'https://a@b.c',
    ],
    ...['\u001b[31mhttps://evil.net', 'https://evil.net\ta', 'ada@example.com'],
  ]
  for (const Origin of forged) await caller.get('/', { headers: { Origin } })
  expect(reports(output)).toEqual([])

  for (let i = 0; i < 50; i++) {
    await caller.get('/', { headers: { Origin: `https://evil-${i}.example.net` } })
  }
  expect(reports(output)).toHaveLength(20)
  expectClean(output, ['evil.net', 'evil-20.'])
})
