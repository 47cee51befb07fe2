/** Response times themselves are measured by `npm run timing`. */
import { describe, expect, test, vi } from 'vitest'
import { hashPassword } from '../../src/passwords/hash.ts'
import { mailsTo, newcomer, PASSWORD, registerUser } from '../setup/accounts.ts'
import { type ApiResponse, environment, expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { atOnce, setAttempts, tally } from './attack.ts'
import { forgotPassword, login } from './calls.ts'
import { faultyWorld, heldQueue } from './faulty-world.ts'
import { shown } from './shown.ts'

const { lanes, env } = await faultyWorld()
const passwordHash = await hashPassword(PASSWORD, 10)
const freshName = () => newcomer().username

// The first command of all also uploads the limiter's script.
await login(freshName(), PASSWORD)

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
