import { describe, expect, test } from 'vitest'
import { logIn, newAdmin, newUser, PASSWORD } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { atOnce, attemptsOf, tally } from './attack.ts'
import { changePassword, login, resetPassword } from './calls.ts'

/** Another address of the same /24. */
const neighborOf = (address: string, host = 7) =>
  `${address.slice(0, address.lastIndexOf('.'))}.${host}`

const networkOf = (address: string) => `${address.slice(0, address.lastIndexOf('.'))}.0/24`

describe.each([
  ['users', 'user', newUser],
  ['admins', 'admin', () => newAdmin({ superadmin: true })],
] as const)('POST /api/%s/login', (type, kind, create) => {
  const guess = (username: string, client = visitor()) =>
    login(username, 'a wrong password', { type, client })

  test('8 (NIST 800-63B-4, 3.2.2): ten wrong passwords from a stranger, again and again, do not keep the owner out of a network that has logged in before', async () => {
    const { caller, id, username, access_token: token } = await create()
    for (let window = 0; window < 2; window++) {
      expect(tally(await atOnce(15, () => guess(username)))).toEqual({ 401: 10, 429: 5 })
      expectError(await login(username, PASSWORD, { type }), 429, 'RateLimitError')
      expect(
        (await changePassword(token, 'wrong', undefined, { type, client: caller })).status,
      ).toBe(401)
      const client = visitor({ address: neighborOf(caller.address) })
      expect((await login(username, PASSWORD, { type, client })).status).toBe(200)
      await sql('delete from attempts where key = $1', [`${kind}:${id}`])
    }
  })

  test('8: a known network has ten attempts of its own, no more, and a success clears them', async () => {
    const { caller, id, username } = await create()
    const key = `${kind}:${id}@${networkOf(caller.address)}`
    const neighbor = (host: number) => visitor({ address: neighborOf(caller.address, host) })
    expect((await guess(username, caller)).status).toBe(401)
    expect(await attemptsOf(key)).toBe(1)
    expect((await login(username, PASSWORD, { type, client: caller })).status).toBe(200)
    expect(await attemptsOf(key)).toBeUndefined()

    const responses = await atOnce(15, (i) => guess(username, neighbor(i)))
    expect(tally(responses)).toEqual({ 401: 10, 429: 5 })
    expectError(await login(username, PASSWORD, { type, client: caller }), 429, 'RateLimitError')
    expect(await attemptsOf(`${kind}:${id}`)).toBeUndefined()
    expect((await login(username, PASSWORD, { type })).status).toBe(200)
  })

  test('8: a network of strangers stays one of strangers, however often they fail', async () => {
    const { id, username } = await create()
    const stranger = visitor()
    await guess(username, stranger)
    const known = await sql(`select network from ${kind}_networks where account_id = $1`, [id])
    expect(known.map(({ network }) => network)).not.toContain(networkOf(stranger.address))
    await logIn(stranger, username, { kind: type })
    const now = await sql(`select network from ${kind}_networks where account_id = $1`, [id])
    expect(now.map(({ network }) => network)).toContain(networkOf(stranger.address))
  })
})

test('8: a reset clears the attempts from everywhere', async () => {
  const { caller, id, username } = await newUser()
  await atOnce(10, () => login(username, 'wrong'))
  await atOnce(10, () => login(username, 'wrong', { client: visitor({ address: caller.address }) }))
  const password = 'another long password'
  expect((await login(username, PASSWORD, { client: caller })).status).toBe(429)
  expect((await resetPassword(await resetTokenOf(id), password)).status).toBe(200)
  await logIn(caller, username, { password })
  expect(await sql('select 1 from attempts where key like $1', [`user:${id}%`])).toEqual([])
})

test.each([
  ['users', newUser],
  ['admins', () => newAdmin({ superadmin: true })],
] as const)(
  '8: after a reset of an account of %s from a new network, the owner logs in from there, whatever strangers do',
  async (type, create) => {
    const { id, username } = await create()
    const owner = visitor()
    const kind = type === 'users' ? 'user' : 'admin'
    const password = 'another long password'
    const token = await resetTokenOf(id, 60, kind)
    expect((await resetPassword(token, password, { type, client: owner })).status).toBe(200)
    await atOnce(10, () => login(username, 'wrong', { type }))
    expect((await login(username, password, { type })).status).toBe(429)
    await logIn(owner, username, { password, kind: type })
  },
)

test('8: a login from a known network does not give strangers more attempts', async () => {
  const { caller, username } = await newUser()
  await atOnce(10, () => login(username, 'wrong'))
  await logIn(caller, username)
  expect((await login(username, 'wrong')).status).toBe(429)
})

test('8: an account has twenty known networks, the latest', async () => {
  const { caller, id, username } = await newUser()
  await sql(
    `insert into user_networks select $1, n || '/24', now() - make_interval(days => n)
     from generate_series(1, 25) as n`,
    [id],
  )
  await logIn(caller, username)
  const rows = await sql<{ network: string }>(
    'select network from user_networks where account_id = $1 order by last_login_at desc',
    [id],
  )
  const older = Array.from({ length: 19 }, (_, i) => `${i + 1}/24`)
  expect(rows.map(({ network }) => network)).toEqual([networkOf(caller.address), ...older])
})
