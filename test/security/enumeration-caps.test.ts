/** How often a password may be attempted, which must not tell whether there is an account. */
import { expect, test } from 'vitest'
import { logIn, newAdmin, newcomer, newUser, PASSWORD, registerUser } from '../setup/accounts.ts'
import { type ApiResponse, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { mailedResetToken } from '../setup/reset-token.ts'
import { atOnce, attemptsOf, expireAttempts, setAttempts, tally } from './attack.ts'
import { changePassword, forgotPassword, getMe, login, refresh, resetPassword } from './calls.ts'
import { shown } from './shown.ts'

const freshName = () => newcomer().username

/** Spellings of one name, which PostgreSQL and JavaScript fold alike or not. */
test.each([
  ['Ada', 'ADA'],
  ['İda', 'İDA'],
  ['İda', 'İda'.toLowerCase()],
  ['ΝΙΚΟΣ', 'ΝΙΚΟΣ'.toLowerCase()],
  ['Straẞe', 'straße'],
])(
  '8 (ASVS 6.3.8): after ten attempts as %s, one as %s has the same response for known and unknown accounts',
  async (one, other) => {
    const [known, unknown] = [freshName(), freshName()]
    const fields = { ...newcomer(), username: `${one}-${known}` }
    expect((await visitor().post('/api/users/register', fields)).status).toBe(201)
    const statusOf = async (name: string) => {
      const first = await atOnce(10, () => login(`${one}-${name}`, 'wrong pass'))
      expect(tally(first)).toEqual({ 401: 10 })
      return (await login(`${other}-${name}`, 'wrong pass')).status
    }
    expect(await statusOf(known)).toBe(await statusOf(unknown))
  },
)

test('8 (NIST 800-63B-4, 3.2.2): the eleventh attempt in 15 minutes is 429, for known and unknown accounts alike', async () => {
  const { username, email, id } = await registerUser()
  const nobody = freshName()
  const upper = nobody.toUpperCase()
  const known = await atOnce(10, (i) => login(i % 2 ? username.toUpperCase() : email, 'wrong pass'))
  const unknown = await atOnce(10, (i) => login(i % 2 ? upper : nobody, 'wrong pass'))
  expect([tally(known), tally(unknown)]).toEqual([{ 401: 10 }, { 401: 10 }])
  const [capped, cappedUnknown] = [await login(username, PASSWORD), await login(nobody, PASSWORD)]
  expectError(capped, 429, 'RateLimitError')
  const withoutSeconds = (response: ApiResponse) =>
    shown(response).replace(/"retry_after":\d+|retry-after: \d+/g, '')
  expect(withoutSeconds(cappedUnknown)).toBe(withoutSeconds(capped))
  expect(Number(capped.headers.get('Retry-After'))).toBeLessThanOrEqual(15 * 60)

  // Attempts beyond the cap must not extend it: a stranger could keep the owner out.
  const end = () => sql('select resets_at from attempts where key = $1', [`user:${id}`])
  const before = await end()
  await login(username, 'wrong pass')
  expect(await end()).toEqual(before)
})

test.each([
  ['users', 'user', registerUser],
  ['admins', 'admin', newAdmin],
] as const)(
  '8: the cap of %s counts login and change-password together, and a success clears it',
  async (type, kind, create) => {
    const { id, username, access_token } = await create()
    const key = `${kind}:${id}`
    const change = (password: string) => changePassword(access_token, password, undefined, { type })
    await setAttempts(key, 8)
    expect((await change('wrong pass')).status).toBe(401)
    expect((await login(username, 'wrong pass', { type })).status).toBe(401)
    expectError(await change(PASSWORD), 429, 'RateLimitError')
    expectError(await login(username, PASSWORD, { type }), 429, 'RateLimitError')
    for (const succeed of [() => login(username, PASSWORD, { type }), () => change(PASSWORD)]) {
      await setAttempts(key, 9)
      expect((await succeed()).status).toBe(200)
      expect(await attemptsOf(key)).toBeUndefined()
    }
  },
)

test.each([
  ['weak', 'password1', 422],
  ['the current one', PASSWORD, 400],
])(
  '8: the right current password clears failed attempts, even if the new one is %s',
  async (_, next, status) => {
    const { id, access_token } = await registerUser()
    await setAttempts(`user:${id}`, 9)
    expect((await changePassword(access_token, PASSWORD, next)).status).toBe(status)
    expect(await attemptsOf(`user:${id}`)).toBeUndefined()
  },
)

test('8 (CVE-2024-1722): after a stranger has used up the attempts, sessions stay valid, refresh and reset work, and a reset or the end of the window allows login', async () => {
  const { id, username, email, refresh_token, access_token } = await newUser()
  const key = `user:${id}`
  const password = 'another long password'
  await setAttempts(key, 1_000)
  expect((await getMe(access_token)).status).toBe(200)
  expect((await refresh(refresh_token)).status).toBe(200)
  expect((await forgotPassword(email)).status).toBe(200)
  expect((await resetPassword(await mailedResetToken(email, 1), password)).status).toBe(200)
  await logIn(visitor(), username, { password })

  await setAttempts(key, 1_000)
  await expireAttempts(key)
  await logIn(visitor(), username, { password })
})
