import { hash } from 'bcryptjs'
import { expect, inject, test } from 'vitest'
import { logIn, newcomer, newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, type Visitor, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { openLane } from '../setup/lanes.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { setAttempts } from './attack.ts'
import { changePassword, login, NEW_PASSWORD, resetPassword } from './calls.ts'
import { listen } from './captured-log.ts'

const user = await newUser()
await sql("update users set full_name = 'Ada Maria Lovelace' where id = $1", [user.id])

type SetPassword = (client: Visitor, password: string) => ReturnType<typeof changePassword>
const names = { username: user.username, email: user.email, full_name: 'Ada Maria Lovelace' }

const ENDPOINTS: [name: string, field: string, set: SetPassword][] = [
  ['register', 'password', (client, password) => register({ ...names, password }, client)],
  [
    'change-password',
    'new_password',
    (client, password) => changePassword(user.access_token, PASSWORD, password, { client }),
  ],
  [
    'reset-password',
    'new_password',
    async (client, password) => resetPassword(await resetTokenOf(user.id), password, { client }),
  ],
]

const register = (fields: object, client = visitor()) => client.post('/api/users/register', fields)

async function registerWith(password: string) {
  const fields = { ...newcomer(), password }
  expect((await register(fields)).status).toBe(201)
  return fields.username
}

test.each(ENDPOINTS)(
  '1, 2 (ASVS 6.2.4, 6.2.5, 6.2.9, 6.2.11): %s is 422 for weak passwords, with the reason',
  async (_, field, set) => {
    const client = visitor()
    for (const [password, type] of [
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
    ] as const) {
      const response = await set(client, password)
      expectError(response, 422, 'ValidationError')
      expect(response.body.details.errors, password).toEqual([
        { field, message: expect.any(String), type },
      ])
    }
    expect((await login(user.username, PASSWORD)).status).toBe(200)
  },
)

test.each(['zq wx vy', '💜🔑🐎🔋📎🌍🎈🦊', `${'x'.repeat(71)}y`, '        '])(
  '1 (ASVS 6.2.5, 6.2.9): %j, of eight code points or more and 72 bytes or fewer, is valid',
  async (password) => {
    const username = await registerWith(password)
    expect((await login(username, password)).status).toBe(200)
  },
)

test('1 (CVE-2025-22228): neither bytes after the 72nd nor spaces at the ends are ignored', async () => {
  const exact = `${'x'.repeat(69)}€`
  const username = await registerWith(exact)
  expect((await login(username, `${exact}!`)).status).toBe(401)
  const padded = await registerWith('  padded pass  ')
  expect((await login(padded, 'padded pass')).status).toBe(401)
  expect((await login(padded, '  padded pass  ')).status).toBe(200)
})

const COMPOSED = 'caf\u00e9 au lait'
const DECOMPOSED = 'cafe\u0301 au lait'

test('3 (NIST 800-63B-4): é composed and decomposed are the same password', async () => {
  const username = await registerWith(DECOMPOSED)
  const { access_token } = await logIn(visitor(), username, { password: COMPOSED })
  expect((await login(username, DECOMPOSED)).status).toBe(200)
  const same = await changePassword(access_token, COMPOSED, DECOMPOSED)
  expectError(same, 400, 'BusinessLogicError')
})

const store = (hashed: string | null) =>
  sql('update users set hashed_password = $2 where id = $1', [user.id, hashed])

const stored = () => sql('select hashed_password as hash from users where id = $1', [user.id])

test.each([
  [4, '$2b$'],
  [5, '$2y$'],
  [6, '$2a$'],
  [7, '$2b$'],
  [8, '$2y$'],
  [9, '$2a$'],
])(
  '4: a hash of cost %i with %s logs in and is replaced by one of cost 10',
  async (cost, prefix) => {
    await store((await hash(PASSWORD, cost)).replace('$2b$', prefix))
    expect((await login(user.username, 'wrong password')).status).toBe(401)
    expect((await login(user.username, PASSWORD)).status).toBe(200)
    expect(await stored()).toEqual([{ hash: expect.stringMatching(/^\$2b\$10\$/) }])
  },
)

test('4: a hash of cost 11 logs in and is kept', async () => {
  const expensive = (await hash(PASSWORD, 11)).replace('$2b$', '$2a$')
  await store(expensive)
  expect((await login(user.username, PASSWORD)).status).toBe(200)
  expect(await stored()).toEqual([{ hash: expensive }])
})

test('4: a password whose hash was made without normalization logs in, and is hashed again', async () => {
  await store(await hash(DECOMPOSED, 10))
  expect((await login(user.username, DECOMPOSED)).status).toBe(200)
  expect((await login(user.username, COMPOSED)).status).toBe(200)
})

test.each([
  ['null', null],
  ['empty', ''],
  ['a word', 'disabled'],
  ['of another algorithm', '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA'],
  ['truncated', '$2b$10$abcdefghijklmnopqrstuu'],
  ['of too low a cost', `$2b$00$${'a'.repeat(53)}`],
  ['of an impossible cost', `$2b$99$${'a'.repeat(53)}`],
  ['of a cost that would take days', `$2b$31$${'a'.repeat(53)}`],
  ['followed by a line break', `$2b$10$${'a'.repeat(52)}\n`],
])(
  '4: a login whose stored hash is %s is the generic 401, with an error in the log',
  async (_, malformed) => {
    await store(malformed)
    await setAttempts(`user:${user.id}`, 0)
    const output = listen()
    const response = await login(user.username, PASSWORD)
    expectError(response, 401, 'AuthenticationError', 'Invalid username or password')
    expect(output.lines().filter(({ level }) => level === 'error')).toMatchObject([
      { event: 'stored_hash_malformed', kind: 'user', id: user.id },
    ])
    await store(await hash(PASSWORD, 10))
  },
)

test('4: eight parallel logins with an imported hash of a lower cost all succeed', async () => {
  const { id, username } = await newUser()
  const imported = await hash(PASSWORD, 4)
  await sql('update users set hashed_password = $2 where id = $1', [id, imported])
  const responses = await Promise.all(Array.from({ length: 8 }, () => login(username, PASSWORD)))
  expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(200))
  const [row] = await sql<{ hash: string }>(
    'select hashed_password as hash from users where id = $1',
    [id],
  )
  expect(row?.hash).toMatch(/^\$2b\$10\$/)
})

test('4: change-password succeeds while logins replace an imported hash of a lower cost', async () => {
  const { id, username, access_token: token } = await newUser()
  const imported = await hash(PASSWORD, 4)
  await sql('update users set hashed_password = $2 where id = $1', [id, imported])
  const [changed] = await Promise.all([
    changePassword(token, PASSWORD),
    ...Array.from({ length: 6 }, () => login(username, PASSWORD)),
  ])
  expect(changed.status).toBe(200)
  expect((await login(username, PASSWORD)).status).toBe(401)
  await logIn(visitor(), username, { password: NEW_PASSWORD })
})

const ranges = await openLane(inject('world').faultProxyUrl, 'resend')
const withLookup = () => visitor({ env: environment({ BREACHED_PASSWORDS_URL: ranges.url }) })
const breached = 'a phrase that leaked'
const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(breached))
const sha1 = Buffer.from(digest).toString('hex').toUpperCase()
const padding = `${'0'.repeat(35)}:3\r\n`
const range = (count: number) => `${padding}${sha1.slice(5)}:${count}\r\n${'F'.repeat(35)}:1`

test.each(ENDPOINTS)(
  '2 (ASVS 6.2.12): %s is 422 for a breached password; only five digits of its hash are sent',
  async (_, field, set) => {
    await ranges.clear()
    await ranges.fault({ kind: 'status', status: 200, body: range(7) })
    const response = await set(withLookup(), breached)
    expectError(response, 422, 'ValidationError')
    expect(response.body.details.errors).toMatchObject([{ field, type: 'breached' }])
    const asked = await ranges.log()
    expect(asked).toMatchObject([
      { path: `/range/${sha1.slice(0, 5)}`, headers: { 'add-padding': 'true' } },
    ])
    expect(JSON.stringify(asked)).not.toContain(sha1.slice(5))
  },
)

test.each([
  ['the range does not contain it', { kind: 'status', status: 200, body: padding }, 0],
  ['its count is padding', { kind: 'status', status: 200, body: range(0) }, 0],
  ['the lookup is refused', { kind: 'disconnect' }, 1],
  ['the lookup hangs', { kind: 'hang' }, 1],
  ['the lookup is 503', { kind: 'status', status: 503, body: range(7) }, 1],
  ['the lookup returns garbage', { kind: 'garbage' }, 0],
] as const)('2: a password is accepted if %s', async (_, fault, warnings) => {
  await ranges.fault(fault)
  const output = listen()
  const fields = { ...newcomer(), password: breached }
  expect((await register(fields, withLookup())).status).toBe(201)
  const warned = output.lines().filter(({ event }) => event === 'breached_passwords_unavailable')
  expect(warned).toHaveLength(warnings)
})
