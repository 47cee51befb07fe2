import { hash } from 'bcryptjs'
import { afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { freshName, logIn, newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, type Visitor, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { openLane } from '../setup/lanes.ts'
import { openReset, spendTries } from './attack.ts'

type User = Awaited<ReturnType<typeof newUser>>

let user: User
beforeAll(async () => {
  user = await newUser()
  await sql("update users set full_name = 'Ada Maria Lovelace' where id = $1", [user.id])
})
afterEach(() => vi.restoreAllMocks())

/** The three places where a password is set, each for the same account or for one of its names. */
const WAYS = {
  register: {
    field: 'password',
    set: (caller: Visitor, password: string) =>
      caller.post('/api/users/register', {
        username: user.username,
        email: user.email,
        full_name: 'Ada Maria Lovelace',
        password,
      }),
  },
  'change-password': {
    field: 'new_password',
    async set(caller: Visitor, password: string) {
      const body = { current_password: PASSWORD, new_password: password }
      return caller.post('/api/users/change-password', body, { token: user.access_token })
    },
  },
  'reset-password': {
    field: 'new_password',
    set: async (caller: Visitor, password: string) =>
      caller.post('/api/password/reset-password', {
        token: await openReset(user.id),
        new_password: password,
      }),
  },
} as const

const loginAs = (username: string, password: string) =>
  visitor().post('/api/users/login', { username, password })

const register = (password: string) => {
  const username = freshName()
  return visitor()
    .post('/api/users/register', { username, email: `${username}@example.com`, password })
    .then(({ status }) => ({ status, username }))
}

describe.each(Object.entries(WAYS))('%s', (name, { field, set }) => {
  test(`1, 2 (ASVS 6.2.4, 6.2.5, 6.2.9, 6.2.11): ${name} answers 422 with the reason for weak passwords`, async () => {
    const refused: [password: string, type: string][] = [
      ['1234567', 'too_small'],
      ['💜💜💜💜💜💜💜', 'too_small'],
      ['a'.repeat(73), 'too_long'],
      ['💜'.repeat(19), 'too_long'],
      ['ﷺ'.repeat(8), 'too_long'],
      ['password1', 'too_common'],
      ['PaSSword1', 'too_common'],
      ['ｐａｓｓｗｏｒｄ１', 'too_common'],
      ['ADL Production', 'contains_account_name'],
      ['adl-production-2026!', 'contains_account_name'],
      [user.username.toUpperCase(), 'contains_account_name'],
      [user.email, 'contains_account_name'],
      ['123Ada Maria Lovelace', 'contains_account_name'],
    ]
    const caller = visitor()
    for (const [password, type] of refused) {
      const answer = await set(caller, password)
      expectError(answer, 422, 'ValidationError')
      expect(answer.body.details.errors, password).toEqual([
        { field, message: expect.any(String), type },
      ])
    }
    expect((await loginAs(user.username, PASSWORD)).status).toBe(200)
  })
})

test('1 (ASVS 6.2.5, 6.2.9): eight code points of any kind and 72 bytes are welcome, spaces and emoji too', async () => {
  for (const password of ['zq wx vy', '💜🔑🐎🔋📎🌍🎈🦊', `${'x'.repeat(71)}y`, '        ']) {
    const { status, username } = await register(password)
    expect(status, password).toBe(201)
    expect((await loginAs(username, password)).status, password).toBe(200)
  }
})

test('1 (CVE-2025-22228): what follows the 72nd byte is never ignored, spaces at the ends neither', async () => {
  const exact = `${'x'.repeat(69)}€`
  const { username } = await register(exact)
  expect((await loginAs(username, `${exact}!`)).status).toBe(401)
  const padded = await register('  padded pass  ')
  expect((await loginAs(padded.username, 'padded pass')).status).toBe(401)
  expect((await loginAs(padded.username, '  padded pass  ')).status).toBe(200)
})

test('3 (NIST 800-63B-4): é composed and decomposed are one password', async () => {
  const [composed, decomposed] = ['caf\u00e9 au lait', 'cafe\u0301 au lait']
  const { username } = await register(decomposed)
  const { access_token: token } = await logIn(visitor(), username, { password: composed })
  expect((await loginAs(username, decomposed)).status).toBe(200)
  const same = await visitor().post(
    '/api/users/change-password',
    { current_password: composed, new_password: decomposed },
    { token },
  )
  expectError(same, 400, 'BusinessLogicError')
})

const store = (hashed: string | null) =>
  sql('update users set hashed_password = $2 where id = $1', [user.id, hashed])

const stored = async () =>
  (
    await sql<{ hash: string }>('select hashed_password as hash from users where id = $1', [
      user.id,
    ])
  )[0]?.hash

test('4: hashes of the old service ($2a, $2b, $2y, cost 4 to 9) log in once and are raised to cost 10', async () => {
  const spellings = ['$2a$', '$2b$', '$2y$']
  for (let cost = 4; cost < 10; cost++) {
    const spelling = spellings[cost % 3] ?? ''
    await store((await hash(PASSWORD, cost)).replace('$2b$', spelling))
    expect((await loginAs(user.username, 'wrong password')).status).toBe(401)
    expect((await loginAs(user.username, PASSWORD)).status, `${spelling}${cost}`).toBe(200)
    expect(await stored()).toMatch(/^\$2b\$10\$/)
  }
  const dearer = (await hash(PASSWORD, 11)).replace('$2b$', '$2a$')
  await store(dearer)
  expect((await loginAs(user.username, PASSWORD)).status).toBe(200)
  expect(await stored()).toBe(dearer)
})

test('4: a password that the old service hashed as it was typed, decomposed, logs in and is hashed anew', async () => {
  const typed = 'cafe\u0301 au lait'
  await store(await hash(typed, 10))
  expect((await loginAs(user.username, typed)).status).toBe(200)
  expect((await loginAs(user.username, 'caf\u00e9 au lait')).status).toBe(200)
})

test.each([
  ['null', null],
  ['empty', ''],
  ['a word', 'disabled'],
  ['of another kind', '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA'],
  ['cut short', '$2b$10$abcdefghijklmnopqrstuu'],
  ['of too low a cost', `$2b$00$${'a'.repeat(53)}`],
  ['of an impossible cost', `$2b$99$${'a'.repeat(53)}`],
  ['of a cost that would take days', `$2b$31$${'a'.repeat(53)}`],
  ['with a line break', `$2b$10$${'a'.repeat(52)}\n`],
])(
  '4: a stored hash that is %s is a generic 401, and an error in the log',
  async (_, malformed) => {
    await store(malformed)
    await spendTries(`user:${user.id}`, 0)
    const lines = vi.spyOn(console, 'log')
    const answer = await loginAs(user.username, PASSWORD)
    expectError(answer, 401, 'AuthenticationError', 'Invalid username or password')
    const alerts = lines.mock.calls
      .map(([line]) => JSON.parse(line))
      .filter(({ level }) => level === 'error')
    expect(alerts).toMatchObject([{ event: 'stored_hash_malformed', kind: 'user', id: user.id }])
    await store(await hash(PASSWORD, 10))
  },
)

describe('breached passwords', async () => {
  const ranges = await openLane(inject('world').faultProxyUrl, 'resend')
  const env = environment({ BREACHED_PASSWORDS_URL: ranges.url })
  const password = 'a phrase that leaked'
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(password))
  const sha1 = Buffer.from(digest).toString('hex').toUpperCase()
  const padding = `${'0'.repeat(35)}:3\r\n`
  const range = (count: number) => `${padding}${sha1.slice(5)}:${count}\r\n${'F'.repeat(35)}:1`

  test.each(Object.entries(WAYS))(
    '2 (ASVS 6.2.12): %s answers 422 for a breached password, having told five digits of its hash',
    async (_, { field, set }) => {
      await ranges.clear()
      await ranges.fault({ kind: 'status', status: 200, body: range(7) })
      const answer = await set(visitor({ env }), password)
      expectError(answer, 422, 'ValidationError')
      expect(answer.body.details.errors).toMatchObject([{ field, type: 'breached' }])
      const asked = await ranges.log()
      expect(asked.map(({ path }) => path)).toEqual([`/range/${sha1.slice(0, 5)}`])
      expect(asked[0]?.headers).toMatchObject({ 'add-padding': 'true' })
      expect(JSON.stringify(asked)).not.toContain(sha1.slice(5))
    },
  )

  test.each([
    ['the range does not hold it', { kind: 'status', status: 200, body: padding }, false],
    ['its count is padding', { kind: 'status', status: 200, body: range(0) }, false],
    ['the lookup is refused', { kind: 'refuse' }, true],
    ['the lookup hangs', { kind: 'hang' }, true],
    ['the lookup answers 503', { kind: 'status', status: 503, body: range(7) }, true],
    ['the lookup answers garbage', { kind: 'garbage' }, false],
  ] as const)('2: a password passes when %s', async (_, fault, warns) => {
    await ranges.fault(fault)
    const lines = vi.spyOn(console, 'log')
    const username = freshName()
    const answer = await visitor({ env }).post('/api/users/register', {
      username,
      email: `${username}@example.com`,
      password,
    })
    expect(answer.status).toBe(201)
    const warnings = lines.mock.calls.filter(([line]) =>
      line.includes('breached_passwords_unavailable'),
    )
    expect(warnings).toHaveLength(warns ? 1 : 0)
  })
})
