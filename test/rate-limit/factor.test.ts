import { expect, test } from 'vitest'
import { getMe } from '../security/calls.ts'
import { newcomer, newUser } from '../setup/accounts.ts'
import { environment, freshAddress, visitor } from '../setup/api.ts'
import { configOf, problemsOf } from '../setup/configuration.ts'

const { access_token } = await newUser()

const policyOf = ({ headers }: { headers: Headers }) => headers.get('RateLimit-Policy')

test('RATE_LIMIT_FACTOR multiplies the quota, and the headers report it', async () => {
  const env = environment({ RATE_LIMIT_PER_HOUR: '2', RATE_LIMIT_FACTOR: '3' })
  const client = visitor({ env, address: freshAddress() })
  for (const left of [5, 4, 3, 2, 1, 0]) {
    const { status, headers } = await getMe(access_token, { client })
    expect(status).toBe(200)
    expect(headers.get('RateLimit')).toMatch(new RegExp(`^"api";r=${left};`))
  }
  const rejected = await getMe(access_token, { client })
  expect(rejected.status).toBe(429)
  expect(policyOf(rejected)).toBe('"api";q=6;w=3600')
})

test('RATE_LIMIT_FACTOR multiplies the stricter rules and those of a /48', async () => {
  const env = environment({ RATE_LIMIT_FACTOR: '1000' })
  const group = Math.floor(Math.random() * 0x10000).toString(16)
  const client = visitor({ env, address: `2001:db8:${group}::1` })
  const response = await client.post('/api/users/register', newcomer())
  expect(response.status).toBe(201)
  expect(policyOf(response)).toBe(
    '"api";q=200000;w=3600, "register";q=20000;w=3600, ' +
      '"api-48";q=1600000;w=3600, "register-48";q=160000;w=3600',
  )
})

test('RATE_LIMIT_FACTOR is 1 unless set', () => {
  expect(configOf({}).rateLimitFactor).toBe(1)
  expect(configOf({ RATE_LIMIT_FACTOR: '1000' }).rateLimitFactor).toBe(1000)
})

test.each(['0', '-1', '1.5', '10001', 'many', ' '])(
  'readConfig rejects RATE_LIMIT_FACTOR=%j',
  (value) => {
    expect(problemsOf({ RATE_LIMIT_FACTOR: value })).toEqual([
      'RATE_LIMIT_FACTOR: must be a whole number from 1 to 10000',
    ])
  },
)

test.each(['staging', 'production'])(
  '%s rejects a RATE_LIMIT_FACTOR other than 1',
  (ENVIRONMENT) => {
    const about = (RATE_LIMIT_FACTOR: string) =>
      problemsOf({ ENVIRONMENT, RATE_LIMIT_FACTOR }).filter((each) =>
        each.startsWith('RATE_LIMIT_'),
      )
    expect(about('1')).toEqual([])
    expect(about('')).toEqual([])
    expect(about('2')).toEqual([
      'RATE_LIMIT_FACTOR: is for development: unset it, or set 1, in staging and production',
    ])
  },
)
