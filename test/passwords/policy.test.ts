import { expect, test } from 'vitest'
import { newcomer } from '../setup/accounts.ts'
import { environment, expectError, visitor } from '../setup/api.ts'

const names = { username: 'grace.h', email: 'rear-admiral.hopper@example.com', full_name: null }

test.each([
  ['fourteen chars', 'too_short', 'is too short'],
  ['💜'.repeat(14), 'too_short', 'is too short'],
  ['a'.repeat(73), 'too_long', 'is longer than 72 bytes in UTF-8'],
  ['ﷺ'.repeat(15), 'too_long', 'is longer than 72 bytes in UTF-8'],
  ['1234567890qwerty', 'contains_account_name', 'is a name of the account'],
  ['Rear Admiral Hopper 1906', 'contains_account_name', 'is a name of the account'],
])(
  'POST /api/users/register returns 422 for %s where 15 characters are required: %s',
  async (password, type, reason) => {
    const client = visitor({ env: environment({ PASSWORD_MIN_LENGTH: '15' }) })
    const username = type === 'contains_account_name' ? 'qwerty' : names.username
    const response = await client.post('/api/users/register', { ...names, username, password })
    expectError(response, 422, 'ValidationError')
    const message = `The password ${reason}`
    expect(response.body.details.errors).toEqual([{ field: 'password', message, type }])
  },
)

test('a password of exactly the required length is accepted', async () => {
  const client = visitor({ env: environment({ PASSWORD_MIN_LENGTH: '15' }) })
  const account = { ...newcomer(), password: 'zq wx vy kj 15!' }
  expect((await client.post('/api/users/register', account)).status).toBe(201)
})
