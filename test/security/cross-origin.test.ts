import { beforeAll, expect, test } from 'vitest'
import { newUser } from '../setup/accounts.ts'
import { type Answer, environment, visitor } from '../setup/api.ts'

const caller = visitor()

let token: string
beforeAll(async () => {
  token = (await newUser()).access_token
})

const ALLOWED = ['https://app.example.com', 'http://localhost:5173']

const FOREIGN = [
  'null',
  '*',
  'https://evil.example.net',
  'https://app.example.com.evil.net',
  'https://evilapp.example.com',
  'https://evil.app.example.com',
  'https://example.com',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://app.example.com/',
  'https://app.example.com@evil.net',
  'HTTPS://APP.EXAMPLE.COM',
  'https://app.example.com https://evil.net',
  'http://localhost:5174',
  'http://localhost',
]

const corsOf = ({ headers }: Answer) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'))

const preflight = (Origin: string) =>
  caller.call('OPTIONS', '/api/users/me', undefined, {
    headers: {
      Origin,
      'Access-Control-Request-Method': 'PUT',
      'Access-Control-Request-Headers': 'authorization, content-type',
    },
  })

const asks: [string, (origin: string) => Promise<Answer>][] = [
  ['an answer', (Origin) => caller.get('/api/users/me', { token, headers: { Origin } })],
  ['an error', (Origin) => caller.get('/nowhere', { headers: { Origin } })],
  ['a 401', (Origin) => caller.get('/api/users/me', { headers: { Origin } })],
  ['a page', (Origin) => caller.get('/docs', { headers: { Origin } })],
  ['a preflight', preflight],
]

test.each(asks)(
  '29 (CWE-942): %s lets the configured origins read it, each by its name',
  async (_, ask) => {
    for (const origin of ALLOWED) {
      const answer = await ask(origin)
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(origin)
      expect(answer.headers.get('Access-Control-Allow-Credentials')).toBe('true')
      expect(answer.headers.get('Vary')).toMatch(/\bOrigin\b/)
    }
  },
)

test.each(asks)(
  '29 (CWE-942): %s lets null, look-alikes and http variants read nothing',
  async (_, ask) => {
    for (const origin of FOREIGN) {
      const answer = await ask(origin)
      expect(corsOf(answer), origin).toEqual([])
      expect(answer.headers.get('Vary')).toMatch(/\bOrigin\b/)
    }
  },
)

test('29: with no origin configured nobody reads anything, with a wildcard the Worker does not start', async () => {
  const [none, any] = ['', '*'].map((CORS_ORIGINS) =>
    visitor({ env: environment({ CORS_ORIGINS }) }),
  )
  for (const Origin of [...ALLOWED, 'null', '']) {
    expect(corsOf((await none?.get('/', { headers: { Origin } })) as Answer)).toEqual([])
  }
  expect((await any?.get('/', { headers: { Origin: 'https://evil.net' } }))?.status).toBe(503)
})

test('29: what a browser may send and read is listed, and the time it may remember it', async () => {
  const { status, headers } = await preflight('https://app.example.com')
  expect(status).toBe(204)
  expect(headers.get('Access-Control-Allow-Methods')).toBe('GET,HEAD,POST,PUT,PATCH,DELETE')
  expect(headers.get('Access-Control-Max-Age')).toBe('7200')
  const error = await caller.get('/api/users/me', {
    headers: { Origin: 'https://app.example.com' },
  })
  expect(error.headers.get('Access-Control-Expose-Headers')).toBe(
    'X-Request-ID,Retry-After,RateLimit,RateLimit-Policy',
  )
})
