/** How a burst of logins behaves over HTTP is in test/bundle/burst.test.ts; figures: `npm run bench:burst`. */
import { afterAll, expect, test, vi } from 'vitest'
import { newcomer, newUser, PASSWORD } from '../setup/accounts.ts'
import { visitor } from '../setup/api.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { atOnce, attemptsOf, tally } from './attack.ts'
import { changePassword, getMe, login, resetPassword } from './calls.ts'
import { expectUnavailable, faultyWorld } from './faulty-world.ts'

/** The shortest queue at cost 10: five hashes. */
const PLACES = 5
const { lanes, env } = await faultyWorld()
const bindings = () => env({ HASH_QUEUE_MS: '500' })
const trips = async () => [...(await lanes.neon.log()), ...(await lanes.upstash.log())].length

afterAll(() => Promise.all(Object.values(lanes).map((lane) => lane.close())))

test('Overload: a login that would wait too long is 503 with Retry-After, without a network call and without a counted attempt', async () => {
  const log = vi.spyOn(console, 'log')
  const { id, username } = await newUser()
  const client = visitor({ env: bindings() })
  // Of both: the first loads the limiter's script.
  await login(username, 'not my password', { client })
  await Promise.all([lanes.neon.clear(), lanes.upstash.clear()])
  const before = Number(await attemptsOf(`user:${id}`))

  const responses = await atOnce(PLACES + 4, () => login(username, 'not my password', { client }))
  expect(tally(responses)).toEqual({ 401: PLACES, 503: 4 })
  for (const response of responses.filter(({ status }) => status === 503)) {
    expectUnavailable(response, 'ServiceUnavailableError')
    expect(response.body['message']).toBe('The service is busy, please try again')
  }
  expect(await attemptsOf(`user:${id}`)).toBe(before + PLACES)
  // One of Redis, two of PostgreSQL: the attempt, and its line in the audit trail.
  expect(await trips()).toBe(3 * PLACES)
  const shed = log.mock.calls.filter(([line]) => String(line).includes('"hashing_overloaded"'))
  expect(shed).toHaveLength(4)
})

test('Overload: everything that hashes is shed; reading goes on; and all of it works again after the burst', async () => {
  const { username, access_token, id } = await newUser()
  const client = visitor({ env: bindings() })
  const token = await resetTokenOf(id)
  const burst = atOnce(PLACES, () => login(newcomer().username, PASSWORD, { client }))
  const shed = await Promise.all([
    login(username, PASSWORD, { client }),
    client.post('/api/users/register', newcomer()),
    changePassword(access_token, PASSWORD, undefined, { client }),
    client.delete('/api/users/me', { password: PASSWORD }, { token: access_token }),
    resetPassword(token, undefined, { client }),
  ])
  for (const response of shed) expectUnavailable(response, 'ServiceUnavailableError')
  expect((await getMe(access_token, { client })).status).toBe(200)
  expect(tally(await burst)).toEqual({ 401: PLACES })

  expect((await changePassword(access_token, PASSWORD, PASSWORD, { client })).status).toBe(400)
  expect((await login(username, PASSWORD, { client })).status).toBe(200)
})

test('Overload: a change of password has one place, and gives it back when it fails', async () => {
  const users = await Promise.all(Array.from({ length: PLACES + 1 }, () => newUser()))
  const client = visitor({ env: bindings() })
  const change = () =>
    Promise.all(
      users.map(({ access_token }) => changePassword(access_token, 'wrong', undefined, { client })),
    )
  for (let round = 0; round < 2; round++) {
    expect(tally(await change())).toEqual({ 401: PLACES, 503: 1 })
  }
})
