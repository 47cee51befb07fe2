import { expect, test } from 'vitest'
import { freshName, mailsTo, newUser, PASSWORD } from '../../setup/accounts.ts'
import { environment, expectError, visitor } from '../../setup/api.ts'
import { sql } from '../../setup/database.ts'
import { expectInvalid, userRead } from '../../setup/shapes.ts'

test('POST /api/users/register answers 201 with a UserRead and mails a welcome', async () => {
  const name = freshName()
  const { status, body, headers } = await visitor().post('/api/users/register', {
    username: name,
    email: `${name}@example.com`,
    password: PASSWORD,
    full_name: 'Ada Lovelace',
  })
  expect(status).toBe(201)
  expect(body).toEqual(
    userRead({ username: name, email: `${name}@example.com`, full_name: 'Ada Lovelace' }),
  )
  expect(headers.get('Cache-Control')).toBe('no-store')

  const [stored] = await sql('select hashed_password, is_active from users where id = $1', [
    body.id,
  ])
  expect(stored).toEqual({ hashed_password: expect.stringMatching(/^\$2b\$10\$/), is_active: true })

  const [mail] = await mailsTo(`${name}@example.com`)
  expect(mail?.subject).toBe('Welcome to ADL Production')
  expect(mail?.text).toContain(`Username: ${name}`)
})

test('POST /api/users/register answers 201 when the mail queue is away, and owes the welcome', async () => {
  const away = () => Promise.reject(new Error('The queue is away'))
  const env = environment({ MAIL_QUEUE: { send: away, sendBatch: away, metrics: away } })
  const username = freshName()
  const email = `${username}@example.com`
  const { status } = await visitor({ env }).post('/api/users/register', {
    username,
    email,
    password: PASSWORD,
  })
  expect(status).toBe(201)
  const owed = await sql("select mail ->> 'kind' as kind from outbox where recipient = $1", [email])
  expect(owed).toEqual([{ kind: 'welcome' }])
})

test('POST /api/users/register trims names, and full_name may be left out', async () => {
  const name = freshName()
  const { body } = await visitor().post('/api/users/register', {
    username: `  ${name} `,
    email: ` ${name}@Example.com `,
    password: PASSWORD,
  })
  expect(body).toEqual(userRead({ username: name, email: `${name}@Example.com` }))
})

test('POST /api/users/register answers 409 for a taken username or email, in any case', async () => {
  const taken = await newUser()
  const register = (username: string, email: string) =>
    taken.caller.post('/api/users/register', { username, email, password: PASSWORD })

  const username = await register(taken.username.toUpperCase(), `${freshName()}@example.com`)
  expectError(username, 409, 'DuplicateRecordError', 'User with this username already exists')
  expect(username.body.details).toEqual({ resource: 'User', field: 'username' })

  const email = await register(freshName(), taken.email.toUpperCase())
  expectError(email, 409, 'DuplicateRecordError', 'User with this email already exists')
  expect(email.body.details).toEqual({ resource: 'User', field: 'email' })

  const rows = await sql('select id from users where lower(email) = $1', [taken.email])
  expect(rows).toEqual([{ id: taken.id }])
})

const VALID = { username: 'ada', email: 'ada@example.com', password: PASSWORD }

test.each([
  ['an empty object', {}, ['username', 'email', 'password']],
  ['null', null, ['body']],
  ['a list', [], ['body']],
  ['a short username', { ...VALID, username: 'ab' }, ['username']],
  ['a long username', { ...VALID, username: 'a'.repeat(51) }, ['username']],
  ['a username that looks like an email', { ...VALID, username: 'a@b.example' }, ['username']],
  ['a username of another type', { ...VALID, username: 7 }, ['username']],
  ['no email', { ...VALID, email: 'ada' }, ['email']],
  ['two emails', { ...VALID, email: 'a@example.com,b@example.com' }, ['email']],
  ['a long email', { ...VALID, email: `${'a'.repeat(250)}@example.com` }, ['email']],
  ['a password of 7', { ...VALID, password: '7 chars' }, ['password']],
  ['a long full_name', { ...VALID, full_name: 'a'.repeat(101) }, ['full_name']],
  ['two faults', { ...VALID, username: 'a', email: 'b' }, ['username', 'email']],
])('POST /api/users/register answers 422 for %s and names the field', async (_, body, fields) => {
  expectInvalid(await visitor().post('/api/users/register', body), ...fields)
})

test.each([
  ['too_long', 'é'.repeat(37)],
  ['too_common', 'Password123'],
  ['contains_account_name', 'ADL-Production-2026'],
  ['contains_account_name', 'lovelace1815'],
])('POST /api/users/register answers 422 with %s for a weak password', async (type, password) => {
  const answer = await visitor().post('/api/users/register', {
    ...VALID,
    username: 'lovelace',
    password,
  })
  expectInvalid(answer, 'password')
  expect(answer.body.details.errors[0].type).toBe(type)
})
