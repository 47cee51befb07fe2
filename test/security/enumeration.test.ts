import { expect, test } from 'vitest'
import { freshName, logIn, mailsTo, newAdmin, PASSWORD, registerUser } from '../setup/accounts.ts'
import { type Answer, environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { atOnce, openReset, spendTries, tally, triesAt } from './attack.ts'
import { faulty, heldQueue } from './faulty-world.ts'

/** All that an answer tells, but for the request id, the time, and the seconds a limit lasts. */
function told({ status, headers, text }: Answer<any>) {
  const plain = [...headers]
    .filter(([name]) => name !== 'x-request-id')
    .map(([name, value]) => `${name}: ${value.replace(/;t=\d+/g, '')}`)
  const body = text
    .replace(/"timestamp":"[^"]+"/, '"timestamp":""')
    .replace(/"request_id":"[^"]+"/, '"request_id":""')
  return [String(status), ...plain.sort(), body].join('\n')
}

const login = (username: string, password: string, kind: 'users' | 'admins' = 'users') =>
  visitor().post(`/api/${kind}/login`, { username, password })

test.each(['users', 'admins'] as const)(
  '5 (ASVS 6.3.8): POST /api/%s/login answers the same bytes for unknown, wrong, disabled, deleted, hashless and too long',
  async (kind) => {
    const { id, username, email } = kind === 'users' ? await registerUser() : await newAdmin()
    const where = async (columns: string, password = PASSWORD) => {
      await sql(`update ${kind} set ${columns} where id = $1`, [id])
      return login(username, password, kind)
    }
    const answers = [
      await login(freshName(), PASSWORD, kind),
      await login(`${freshName()}@example.com`, PASSWORD, kind),
      await login(username, 'not the password', kind),
      await login(email.toUpperCase(), 'not the password', kind),
      await login(username, 'x'.repeat(73), kind),
      await where('is_active = false'),
      await where('is_active = false', 'not the password'),
      await where('is_active = true, deleted_at = now()'),
      await where('deleted_at = null, hashed_password = null'),
    ]
    expect(new Set(answers.map(told))).toEqual(new Set([told(answers[0] as Answer)]))
    expectError(answers[0] as Answer, 401, 'AuthenticationError', 'Invalid username or password')
  },
)

test('8 (NIST 800-63B-4, 3.2.2): the eleventh try in 15 minutes is 429, alike for known and unknown accounts', async () => {
  const { username, email, id } = await registerUser()
  const nobody = freshName()
  const known = await atOnce(10, (i) => login(i % 2 ? username.toUpperCase() : email, 'wrong pass'))
  const unknown = await atOnce(10, (i) =>
    login(i % 2 ? nobody.toUpperCase() : nobody, 'wrong pass'),
  )
  expect([tally(known), tally(unknown)]).toEqual([{ 401: 10 }, { 401: 10 }])
  const [capped, cappedUnknown] = [await login(username, PASSWORD), await login(nobody, PASSWORD)]
  expectError(capped, 429, 'RateLimitError')
  const withoutSeconds = (answer: Answer) =>
    told(answer).replace(/"retry_after":\d+|retry-after: \d+/g, '')
  expect(withoutSeconds(cappedUnknown)).toBe(withoutSeconds(capped))
  expect(Number(capped.headers.get('Retry-After'))).toBeLessThanOrEqual(15 * 60)

  // Tries beyond the cap don't make the wait longer, so that nobody can hold the door shut.
  const end = () => sql('select resets_at from attempts where key = $1', [`user:${id}`])
  const before = await end()
  await login(username, 'wrong pass')
  expect(await end()).toEqual(before)
})

test('8: the cap counts login and change-password together, for admins too, and a success clears it', async () => {
  for (const [kind, person] of [
    ['users', await registerUser()],
    ['admins', await newAdmin()],
  ] as const) {
    const key = `${kind === 'users' ? 'user' : 'admin'}:${person.id}`
    const change = (current_password: string) =>
      visitor().post(
        `/api/${kind}/change-password`,
        { current_password, new_password: 'another long password' },
        { token: person.access_token },
      )
    await spendTries(key, 8)
    expect((await change('wrong pass')).status).toBe(401)
    expect((await login(person.username, 'wrong pass', kind)).status).toBe(401)
    expectError(await change(PASSWORD), 429, 'RateLimitError')
    expectError(await login(person.username, PASSWORD, kind), 429, 'RateLimitError')

    await spendTries(key, 9)
    expect((await login(person.username, PASSWORD, kind)).status).toBe(200)
    expect(await triesAt(key)).toBeUndefined()
    await spendTries(key, 9)
    expect((await change(PASSWORD)).status).toBe(200)
    expect(await triesAt(key)).toBeUndefined()
  }
})

test('8: the right current password with a refused new one is no failed try, and clears them', async () => {
  const { id, access_token: token } = await registerUser()
  for (const new_password of ['password1', PASSWORD]) {
    await spendTries(`user:${id}`, 9)
    const body = { current_password: PASSWORD, new_password }
    const refused = await visitor().post('/api/users/change-password', body, { token })
    expect([400, 422]).toContain(refused.status)
    expect(await triesAt(`user:${id}`)).toBeUndefined()
  }
})

test('8 (CVE-2024-1722): a stranger who spends the tries locks nobody out: sessions go on, a reset opens the door', async () => {
  const { id, username, refresh_token, access_token: token } = await registerUser()
  await spendTries(`user:${id}`, 1_000)
  expect((await visitor().get('/api/users/me', { token })).status).toBe(200)
  expect((await visitor().post('/api/users/refresh', { refresh_token })).status).toBe(200)
  const reset = await visitor().post('/api/password/reset-password', {
    token: await openReset(id),
    new_password: 'another long password',
  })
  expect(reset.status).toBe(200)
  await logIn(visitor(), username, { password: 'another long password' })

  await spendTries(`user:${id}`, 1_000)
  await sql("update attempts set resets_at = now() - interval '1 second' where key = $1", [
    `user:${id}`,
  ])
  await logIn(visitor(), username, { password: 'another long password' })
})

test('7 (ASVS 6.3.8): POST /api/password/forgot-password answers the same bytes for known, unknown, throttled, disabled and deleted, and asks no database', async () => {
  const [known, throttled, disabled, deleted] = await Promise.all(
    Array.from({ length: 4 }, () => registerUser()),
  )
  if (!known || !throttled || !disabled || !deleted) throw new Error('No users')
  await spendTries(`reset-mail:${throttled.id}`, 3)
  await sql('update users set is_active = false where id = $1', [disabled.id])
  await sql('update users set deleted_at = now() where id = $1', [deleted.id])
  const unknown = `${freshName()}@example.com`
  const database = await faulty('neon')
  const { queue, held } = heldQueue()
  const env = database.env({ MAIL_QUEUE: queue })
  const addresses = [known.email, throttled.email, disabled.email, deleted.email, unknown]
  const answers = await Promise.all(
    addresses.map((email) => visitor({ env }).post('/api/password/forgot-password', { email })),
  )
  expect(new Set(answers.map(told)).size).toBe(1)
  expect(answers[0]).toMatchObject({
    status: 200,
    body: { message: 'If the email exists, a reset link will be sent' },
  })
  expect(await database.log()).toEqual([])
  expect(held).toHaveLength(addresses.length)

  await Promise.all(held.map((message) => environment().MAIL_QUEUE.send(message)))
  const mails = (await mailsTo(known.email, 2)).map(({ subject }) => subject)
  expect(mails.toSorted()).toEqual([
    'Reset your ADL Production password',
    'Welcome to ADL Production',
  ])
  const opened = await sql('select user_id from password_resets where user_id = any($1)', [
    [known.id, throttled.id, disabled.id, deleted.id],
  ])
  expect(opened).toEqual([{ user_id: known.id }])
})

test('7: POST /api/users/register tells that a name is taken, twenty times an hour and no more', async () => {
  const { username, email } = await registerUser()
  const asker = visitor()
  const ask = () => asker.post('/api/users/register', { username, email, password: 'password1' })
  const answers = await atOnce(25, ask)
  expect(tally(answers)).toEqual({ 422: 20, 429: 5 })
})
