import { expect, test } from 'vitest'
import { freshName, mailsTo, newcomer, newUser, PASSWORD } from '../../setup/accounts.ts'
import { environment, visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectDuplicate, expectInvalid, expectResponse, userRead } from '../../setup/shapes.ts'

const REGISTER = '/api/users/register'

test('POST /api/users/register returns 201 with the user, trims the names and sends a welcome email', async () => {
  const username = freshName()
  const email = `${username}@Example.com`
  const response = await visitor().post(REGISTER, {
    username: `  ${username} `,
    email: ` ${email} `,
    password: PASSWORD,
    full_name: ' Ada Lovelace ',
  })
  expectResponse(response, 201, userRead({ username, email, full_name: 'Ada Lovelace' }))
  expect(response.headers.get('Cache-Control')).toBe('no-store')
  expect(await sql('select hashed_password from users where id = $1', [response.body.id])).toEqual([
    { hashed_password: expect.stringMatching(/^\$2b\$10\$/) },
  ])
  expect(await mailsTo(email)).toMatchObject([
    {
      subject: 'Welcome to ADL Production',
      text: expect.stringContaining(`Username: ${username}`),
    },
  ])
})

test('POST /api/users/register returns 201 during an outage of the mail queue, and keeps the welcome in the outbox', async () => {
  const fail = () => Promise.reject(new Error('The queue is down'))
  const env = environment({ MAIL_QUEUE: { send: fail, sendBatch: fail, metrics: fail } })
  const { password, ...names } = newcomer()
  const response = await visitor({ env }).post(REGISTER, { ...names, password })
  expectResponse(response, 201, userRead({ ...names, full_name: null }))
  const pending = await sql("select mail ->> 'kind' as kind from outbox where recipient = $1", [
    names.email,
  ])
  expect(pending).toEqual([{ kind: 'welcome' }])
})

test('POST /api/users/register returns 409 for a taken username or email, in any case', async () => {
  const { caller, id, username, email } = await newUser()
  const fresh = freshName()
  const register = (names: object) => caller.post(REGISTER, { ...names, password: PASSWORD })
  const takenName = { username: username.toUpperCase(), email: `${fresh}@example.com` }
  expectDuplicate(await register(takenName), 'User', 'username')
  const takenEmail = { username: fresh, email: email.toUpperCase() }
  expectDuplicate(await register(takenEmail), 'User', 'email')
  expect(await sql('select id from users where lower(email) = $1', [email])).toEqual([{ id }])
})

const VALID = { username: 'lovelace', email: 'ada@example.com', password: PASSWORD }

test.each([
  ['an empty object', {}, ['username', 'email', 'password']],
  ['null', null, ['body']],
  ['a list', [], ['body']],
  ['a short username', { ...VALID, username: 'ab' }, ['username']],
  ['a long username', { ...VALID, username: 'a'.repeat(51) }, ['username']],
  ['a username with a space', { ...VALID, username: 'ada lovelace' }, ['username']],
  ['a username like a web address', { ...VALID, username: 'lovelace.com' }, ['username']],
  ['a full_name with a blank', { ...VALID, full_name: 'Ada\u3164' }, ['full_name']],
  ['an invalid email', { ...VALID, email: 'ada' }, ['email']],
  ['a long full_name', { ...VALID, full_name: 'a'.repeat(101) }, ['full_name']],
  ['two invalid fields', { ...VALID, username: 'a', email: 'b' }, ['username', 'email']],
])('POST /api/users/register returns 422 for %s and names the field', async (_, body, fields) => {
  expectInvalid(await visitor().post(REGISTER, body), ...fields)
})
