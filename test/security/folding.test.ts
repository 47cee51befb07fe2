/** One name has many spellings: whoever has it, and whether anybody does, must not show. */
import { expect, test } from 'vitest'
import { freshName, newcomer, PASSWORD } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { expectDuplicate } from '../setup/shapes.ts'
import { login } from './calls.ts'

/** Pairs that JavaScript and PostgreSQL fold differently, or NFKC makes one. */
const SPELLINGS = [
  ['İbrahim', 'i̇brahim'],
  ['İbrahim', 'ibrahim'],
  ['ΝΙΚΟΣ', 'νικος'],
  ['ΝΙΚΟΣ', 'νικοσ'],
  ['ﬁona', 'FIONA'],
  ['Straẞe', 'straße'],
  ['ÅNGSTRÖM', 'ångström'],
  ['Ǆemal', 'ǆemal'],
] as const

test.each(SPELLINGS)(
  '8 (ASVS 6.3.8): %s and %s are counted together or apart, whether or not an account has the name',
  async (one, other) => {
    const DATABASE_URL = await emptyDatabase()
    const client = visitor({ env: environment({ DATABASE_URL }) })
    /** How many counts two logins with these spellings have begun. */
    async function countsOf(suffix: string) {
      await sql('delete from attempts', [], DATABASE_URL)
      for (const name of [one, other]) await login(`${name}${suffix}`, 'wrong', { client })
      return (await sql(`select from attempts where key like 'user%'`, [], DATABASE_URL)).length
    }
    const username = `${one}-known`
    const { status } = await client.post('/api/users/register', { ...newcomer(), username })
    expect(status).toBe(201)
    expect(await countsOf('-known')).toBe(await countsOf('-other'))
  },
)

test.each(SPELLINGS)(
  '31: %s and %s log in to one account exactly if they cannot be registered by two',
  async (one, other) => {
    const suffix = freshName('')
    const register = (name: string) =>
      visitor().post('/api/users/register', { ...newcomer(), username: `${name}${suffix}` })
    expect((await register(one)).status).toBe(201)
    const { status } = await login(`${other}${suffix}`, PASSWORD)
    const second = await register(other)
    if (status === 200) expectDuplicate(second, 'User', 'username')
    else expect([status, second.status]).toEqual([401, 201])
  },
)

test.each([
  ['users', 'NoBody@Example.com', 'nobody@example.com'],
  ['admins', 'NoBody@Example.com', 'nobody@example.com'],
  ['admins', 'NOBODY', 'nobody'],
] as const)(
  '8 (ASVS 6.3.8): attempts of %s at the unknown %s and %s are one count',
  async (type, one, other) => {
    const DATABASE_URL = await emptyDatabase()
    const client = visitor({ env: environment({ DATABASE_URL }) })
    for (const name of [one, other]) await login(name, 'wrong', { type, client })
    const counts = await sql("select count from attempts where key like '%?%'", [], DATABASE_URL)
    expect(counts).toEqual([{ count: 2 }])
  },
)

test('31: an email or a username that was registered in mixed case logs in in any case', async () => {
  const username = freshName('Mixed-Case')
  const email = `${username}@Example.com`
  const registered = await visitor().post('/api/users/register', {
    ...{ username, email, password: PASSWORD },
  })
  expect(registered.body).toMatchObject({ username, email })
  for (const name of [email, email.toLowerCase(), username.toUpperCase()]) {
    expect((await login(name, PASSWORD)).status, name).toBe(200)
  }
})
