/** Response times themselves are measured by `npm run timing`. */
import { describe, expect, test, vi } from 'vitest'
import { hashPassword } from '../../src/passwords/hash.ts'
import {
  logIn,
  mailsTo,
  newAdmin,
  newcomer,
  newUser,
  PASSWORD,
  registerUser,
} from '../setup/accounts.ts'
import { type ApiResponse, environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { mailedResetToken } from '../setup/reset-token.ts'
import { atOnce, attemptsOf, expireAttempts, setAttempts, tally } from './attack.ts'
import { changePassword, forgotPassword, getMe, login, refresh, resetPassword } from './calls.ts'
import { faultyWorld, heldQueue } from './faulty-world.ts'

const { lanes, env } = await faultyWorld()
const passwordHash = await hashPassword(PASSWORD, 10)
const freshName = () => newcomer().username

// The first command of all also uploads the limiter's script.
await login(freshName(), PASSWORD)

/** Everything that a response shows, except the request id, times, and the seconds a limit lasts. */
function shown({ status, headers, text }: ApiResponse<any>) {
  const lines = [...headers]
    .filter(([name]) => name !== 'x-request-id')
    .map(([name, value]) => `${name}: ${value.replace(/;t=\d+/g, '')}`)
  const body = text
    .replace(/"timestamp":"[^"]+"/, '"timestamp":""')
    .replace(/"request_id":"[^"]+"/, '"request_id":""')
  return [String(status), ...lines.sort(), body].join('\n')
}

/** The costs of the hashes that are computed: bcryptjs takes the 22 letters of the salt once for each. */
function watchHashes() {
  const substring = vi.spyOn(String.prototype, 'substring')
  return () => {
    const { calls, contexts } = substring.mock
    const salts = contexts.filter((_, index) => calls[index]?.join() === '7,29')
    substring.mockRestore()
    return salts.map((salt) => String(salt).slice(4, 6))
  }
}

async function workOf(act: () => Promise<ApiResponse<any>>) {
  await Promise.all([lanes.neon.clear(), lanes.upstash.clear()])
  const hashes = watchHashes()
  const response = await act()
  const costs = hashes()
  const statements = (await lanes.neon.log()).map(({ body }) => JSON.parse(body).query)
  const commands = (await lanes.upstash.log()).length
  return { response, work: { costs, statements, commands } }
}

describe.each(['users', 'admins'] as const)('POST /api/%s/login', async (type) => {
  /** The name of a new account. */
  async function account({ hash = passwordHash as string | null, set = '' } = {}) {
    const { username, email } = newcomer()
    await sql(`insert into ${type} (username, email, hashed_password) values ($1, $2, $3)`, [
      username,
      email,
      hash,
    ])
    if (set) await sql(`update ${type} set ${set} where username = $1`, [username])
    return username
  }

  const attempt = (username: string, password: string, bindings = env()) =>
    workOf(() => login(username, password, { type, client: visitor({ env: bindings }) }))

  const wrong = 'not the password'
  const tooLong = `${'ä'.repeat(36)}x`
  const unknown = await attempt(freshName(), wrong)

  test(`5, 6 (ASVS 6.3.8, CVE-2025-22234): ${type}, an unknown name: the generic 401 after one hash, two statements and one Redis request`, () => {
    expectError(unknown.response, 401, 'AuthenticationError', 'Invalid username or password')
    const { costs, statements, commands } = unknown.work
    expect([costs, statements.length, commands]).toEqual([['10'], 2, 1])
  })

  test.each<[what: string, name: () => string | Promise<string>, password: string]>([
    ['an unknown email', () => newcomer().email, wrong],
    ['an unknown name and its 73 bytes', freshName, tooLong],
    ['a wrong password', account, wrong],
    [
      'a wrong password, by email in upper case',
      async () => `${await account()}@example.com`.toUpperCase(),
      wrong,
    ],
    ['a password of 73 bytes', account, tooLong],
    ['the password of a disabled account', () => account({ set: 'is_active = false' }), PASSWORD],
    ['a wrong password of a disabled one', () => account({ set: 'is_active = false' }), wrong],
    ['the password of a deleted account', () => account({ set: 'deleted_at = now()' }), PASSWORD],
    ['an account without a hash', () => account({ hash: null }), wrong],
    ['an account with a malformed hash', () => account({ hash: 'sha1$x$y' }), wrong],
    ['an account with a truncated hash', () => account({ hash: '$2b$10$abc' }), wrong],
  ])(
    `5, 6 (ASVS 6.3.8, CVE-2025-22234): ${type}, %s: the same bytes, hashes and round trips as an unknown name`,
    async (_, nameOf, password) => {
      const other = await attempt(await nameOf(), password)
      const byName = (text: string) => text.replace('lower(a.email)', 'lower(a.username)')
      const statements = other.work.statements.map(byName)
      expect({ ...other.work, statements }).toEqual(unknown.work)
      expect(shown(other.response)).toBe(shown(unknown.response))
    },
  )

  test(`6 (CVE-2025-22234): ${type}, a stored hash of a lower cost than new ones: as many rounds as an unknown name`, async () => {
    const bindings = env({ BCRYPT_COST: '11' })
    const [nobody, known] = [
      await attempt(freshName(), wrong, bindings),
      await attempt(await account(), wrong, bindings),
    ]
    const rounds = (costs: string[]) => costs.reduce((sum, cost) => sum + 2 ** Number(cost), 0)
    expect(nobody.work.costs).toEqual(['11'])
    expect(rounds(known.work.costs)).toBe(2 ** 11)
    expectError(known.response, 401, 'AuthenticationError', 'Invalid username or password')
  })

  test(`6 (CVE-2025-22234): ${type}, a password that is not normalized: two hashes, known or not`, async () => {
    const password = 'cafe\u0301 au lait'
    const nobody = await attempt(freshName(), password)
    const known = await attempt(await account(), password)
    expect(nobody.work.costs).toEqual(['10', '10'])
    expect(known.work).toEqual(nobody.work)
  })
})

test('7 (ASVS 6.3.8): POST /api/password/forgot-password returns the same bytes for known, unknown, throttled, disabled and deleted accounts, without a statement', async () => {
  const [known, throttled, disabled, deleted] = [
    await registerUser(),
    await registerUser(),
    await registerUser(),
    await registerUser(),
  ]
  await setAttempts(`reset-mail:user:${throttled.id}`, 6)
  await sql('update users set is_active = false where id = $1', [disabled.id])
  await sql('update users set deleted_at = now() where id = $1', [deleted.id])
  const { queue, held } = heldQueue()
  const ask = (email: string) =>
    workOf(() => forgotPassword(email, { client: visitor({ env: env({ MAIL_QUEUE: queue }) }) }))
  const unknown = await ask(newcomer().email)
  expect(unknown.response).toMatchObject({
    status: 200,
    body: { message: 'If the email exists, a reset link will be sent' },
  })
  expect(unknown.work).toEqual({ costs: [], statements: [], commands: 1 })
  for (const { email } of [known, throttled, disabled, deleted]) {
    const other = await ask(email)
    expect(other.work).toEqual(unknown.work)
    expect(shown(other.response)).toBe(shown(unknown.response))
  }
  expect(held).toHaveLength(5)

  await Promise.all(held.map((message) => environment().MAIL_QUEUE.send(message)))
  const mails = (await mailsTo(known.email, 2)).map(({ subject }) => subject)
  expect(mails.toSorted()).toEqual([
    'Reset your ADL Production password',
    'Welcome to ADL Production',
  ])
  const resets = await sql('select user_id from password_resets where user_id = any($1)', [
    [known.id, throttled.id, disabled.id, deleted.id],
  ])
  expect(resets).toEqual([{ user_id: known.id }])
})

test('7: POST /api/users/register shows whether a name is taken, at most twenty times an hour', async () => {
  const { username, email } = await registerUser()
  const client = visitor()
  const responses = await atOnce(25, (i) =>
    client.post('/api/users/register', { ...newcomer(), ...(i % 2 ? { username } : { email }) }),
  )
  expect(tally(responses)).toEqual({ 409: 20, 429: 5 })
  const fields = responses.flatMap(({ body }) => body.details?.field ?? [])
  expect(new Set(fields)).toEqual(new Set(['username', 'email']))
  expectError(await client.post('/api/users/register', newcomer()), 429, 'RateLimitError')
})

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
