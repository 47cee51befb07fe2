import { expect, test } from 'vitest'
import { freshName, logIn, PASSWORD } from '../setup/accounts.ts'
import { visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { atOnce, tally } from './attack.ts'

/** Hashing for a crowd takes some seconds of CPU: bcrypt is slow on purpose. */
const timeout = 60_000

test('31: of 100 parallel registrations of one email in any case and spacing, one makes a row', {
  timeout,
}, async () => {
  const name = freshName('Wanted')
  const email = `${name}@Example.com`
  const forms = [
    email,
    email.toUpperCase(),
    email.toLowerCase(),
    `  ${email}\t`,
    email.replace('@', '\uff20'),
    email.replace('W', '\uff37'),
    email.replace('a', 'a\u0301'),
    `${email}\u200b`,
    email.replace('.com', '.\u212aom'),
    email.replace('.', '\u3002'),
  ]
  const answers = await atOnce(100, (i) =>
    visitor().post('/api/users/register', {
      username: freshName(),
      email: forms[i % forms.length],
      password: PASSWORD,
    }),
  )
  expect(tally(answers)).toEqual({ 201: 1, 409: 39, 422: 60 })
  const rows = await sql<{ email: string }>(
    "select email from users where lower(email) like lower($1) || '%'",
    [name],
  )
  expect(rows).toHaveLength(1)
})

test('31: of 20 parallel registrations of one username in any case and Unicode form, one makes a row', {
  timeout,
}, async () => {
  const name = `Ren\u00e9e-${crypto.randomUUID().slice(0, 8)}`
  const forms = [
    name,
    name.normalize('NFD'),
    name.toUpperCase(),
    ` ${name.toLowerCase()} `,
    name.replace('R', '\uff32'),
  ]
  const answers = await atOnce(20, (i) =>
    visitor().post('/api/users/register', {
      username: forms[i % forms.length],
      email: `${freshName()}@example.com`,
      password: PASSWORD,
    }),
  )
  expect(tally(answers)).toEqual({ 201: 1, 409: 19 })
  for (const username of forms) await logIn(visitor(), username)
})
