import { expect, test } from 'vitest'
import { logIn, newAdmin, newcomer, newUser, PASSWORD, type Tokens } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { atOnce, attemptsOf, auditLines, setAttempts, tally } from './attack.ts'
import { changePassword, getMe, login, NEW_PASSWORD, refresh, resetPassword } from './calls.ts'

/** Parallel callers. Each has its own address, so that rate limits do not reduce their number. */
const CROWD = 50

const sessionsOf = (userId: number) =>
  sql('select counter, revoked_at from user_sessions where account_id = $1', [userId])

const eventsOf = async (userId: number, action: string) =>
  (await auditLines('user', userId)).filter((event) => event.action === action)

test('9 (CVE-2026-1035): 50 parallel refreshes of one token return the same successor, and the session has one branch', async () => {
  const user = await newUser()
  const responses = await atOnce(CROWD, () => refresh(user.refresh_token))
  expect(tally(responses)).toEqual({ 200: CROWD })
  const successors = new Set(responses.map(({ body }) => body.refresh_token))
  expect(successors.size).toBe(1)
  expect(await sessionsOf(user.id)).toEqual([{ counter: 1, revoked_at: null }])

  const [next = ''] = successors
  const mixed = await atOnce(CROWD, (i) => refresh(i % 2 ? next : user.refresh_token))
  expect(mixed.filter(({ status }) => status !== 200 && status !== 401)).toEqual([])
  const [session] = await sessionsOf(user.id)
  expect(session?.['counter']).toBeLessThanOrEqual(2)
  const issued = mixed.map(({ body }) => body.refresh_token)
  const newest = issued.filter((token) => token?.split('.')[1] === '2')
  expect(new Set(newest).size).toBeLessThanOrEqual(1)
})

test('16 (CVE-2026-18963): of 50 parallel resets with one token, one succeeds, and only its password logs in', async () => {
  const { id, username } = await newUser()
  const token = await resetTokenOf(id)
  const passwordOf = (i: number) => `password of caller ${i}`
  const responses = await atOnce(CROWD, (i) => resetPassword(token, passwordOf(i)))
  expect(tally(responses)).toEqual({ 200: 1, 400: CROWD - 1 })
  const winner = responses.findIndex(({ status }) => status === 200)
  await logIn(visitor(), username, { password: passwordOf(winner) })
  for (const password of [PASSWORD, passwordOf(winner + 1), passwordOf(winner - 1)]) {
    expect((await login(username, password)).status).toBe(401)
  }
  expect(await eventsOf(id, 'password_reset')).toHaveLength(1)
  expect(await sql('select 1 from password_resets where user_id = $1', [id])).toEqual([])
}, 60_000)

test.each([
  ['users', 'user', newUser],
  ['admins', 'admin', newAdmin],
] as const)(
  '8 (CVE-2024-4629): with five attempts left, 50 parallel logins of %s, or calls of change-password, compare five passwords, whatever the spelling and address',
  async (type, kind, create) => {
    const { id, username, email, access_token } = await create()
    const key = `${kind}:${id}`
    const names = [username, username.toUpperCase(), email]
    for (const [action, attempt] of [
      ['login', (i: number) => login(names[i % 3], `guess ${i}`, { type })],
      [
        'password_change',
        (i: number) => changePassword(access_token, `guess ${i}`, NEW_PASSWORD, { type }),
      ],
    ] as const) {
      await setAttempts(key, 5)
      expect(tally(await atOnce(CROWD, attempt))).toEqual({ 401: 5, 429: CROWD - 5 })
      expect(await attemptsOf(key)).toBe(5 + CROWD)
      const events = await auditLines(kind, id)
      const compared = events.filter(
        (event) => event.action === action && event.reason === 'wrong_password',
      )
      expect(compared).toHaveLength(5)
    }
  },
)

test('20: of 50 parallel registrations in an empty installation, one creates the first admin', async () => {
  const DATABASE_URL = await emptyDatabase()
  const env = environment({ DATABASE_URL })
  const headers = { 'X-Bootstrap-Token': `${env.ADMIN_BOOTSTRAP_TOKEN}` }
  const responses = await atOnce(CROWD, () =>
    visitor({ env }).post('/api/admins/register', newcomer(), { headers }),
  )
  expect(tally(responses)).toEqual({ 201: 1, 401: CROWD - 1 })
  const query = (statement: string) => sql(statement, [], DATABASE_URL)
  expect(await query('select is_superadmin, is_first from admins')).toEqual([
    { is_superadmin: true, is_first: true },
  ])
  expect(await query("select 1 from audit_events where action = 'register'")).toHaveLength(1)
}, 60_000)

async function changeDuringRefreshes(user: Tokens, tokens: Tokens[]) {
  const [changed, ...refreshed] = await Promise.all([
    changePassword(user.access_token, PASSWORD),
    ...Array.from({ length: CROWD }, async (_, i) => {
      await scheduler.wait(i * 4)
      return refresh(tokens[i % tokens.length]?.refresh_token)
    }),
  ])
  expect(changed.status).toBe(200)
  return refreshed
}

test('10: during change-password, refreshes of other sessions leave no valid token', async () => {
  const user = await newUser()
  const others = await atOnce(10, () => logIn(visitor(), user.username))
  const refreshed = await changeDuringRefreshes(user, others)
  const succeeded = refreshed.filter(({ status }) => status === 200)
  expect(succeeded.length).toBeGreaterThan(0)
  const every: Tokens[] = [...others, ...succeeded.map(({ body }) => body)]
  const again = await Promise.all(every.map(({ refresh_token }) => refresh(refresh_token)))
  expect(tally(again)).toEqual({ 401: every.length })
  const used = await Promise.all(every.map(({ access_token }) => getMe(access_token)))
  expect(tally(used)).toEqual({ 401: every.length })
}, 60_000)

test('10: during change-password, refreshes of the same session succeed, and it stays logged in', async () => {
  const user = await newUser()
  const refreshed = await changeDuringRefreshes(user, [user])
  expect(tally(refreshed)).toEqual({ 200: CROWD })
  const tokens = refreshed[0]?.body
  expect((await getMe(tokens.access_token)).status).toBe(200)
  expect((await refresh(tokens.refresh_token)).status).toBe(200)
})

test('31: parallel deletes and restores leave a user in one state, and the totals are right', async () => {
  const [user, admin] = [await newUser(), await newAdmin()]
  const path = `/api/admins/users/${user.id}`
  const byAdmin = () => visitor({ token: admin.access_token })
  const restore = () => byAdmin().post(`${path}/restore`)
  const responses = await atOnce(CROWD, (i) => (i % 2 ? byAdmin().delete(path) : restore()))
  expect(responses.filter(({ status }) => status >= 500)).toEqual([])
  expect(await eventsOf(user.id, 'user_deleted')).toHaveLength(tally(responses)[204] ?? 0)
  const totals = await sql(
    `select (select sum(total) from user_totals)
       = (select count(*) from users where deleted_at is null) as agree`,
  )
  expect(totals).toEqual([{ agree: true }])
  expect((await restore()).status).toBe(200)
  expect((await getMe(user.access_token)).status).toBe(401)
  await logIn(visitor(), user.username)
})

test('31: 50 parallel PUT me of three different fields change all three', async () => {
  const { id, access_token: token } = await newUser()
  const changes = [
    { username: newcomer().username },
    { email: newcomer().email },
    { full_name: 'Ada Lovelace' },
  ]
  const responses = await atOnce(CROWD, (i) =>
    visitor({ token }).put('/api/users/me', changes[i % 3]),
  )
  expect(tally(responses)).toEqual({ 200: CROWD })
  const rows = await sql('select username, email, full_name from users where id = $1', [id])
  expect(rows).toEqual([Object.assign({}, ...changes)])
  expect(await eventsOf(id, 'email_change')).toHaveLength(1)
})

test('31: if five users rename themselves to one name at once, one gets it; the others are 409', async () => {
  const users = await atOnce(5, () => newUser())
  const { username } = newcomer()
  const responses = await atOnce(CROWD, (i) =>
    visitor({ token: users[i % 5]?.access_token ?? '' }).put('/api/users/me', {
      username: i % 2 ? username : username.toUpperCase(),
    }),
  )
  expect(tally(responses)).toEqual({ 200: CROWD / 5, 409: CROWD - CROWD / 5 })
  const rows = await sql('select 1 from users where lower(username) = $1', [username])
  expect(rows).toHaveLength(1)
})

test('31: two accounts that want the names of each other, 24 times at once, are 409, and nothing waits for a deadlock', async () => {
  const [one, other] = [await newUser(), await newUser()]
  const responses = await atOnce(48, (i) => {
    const [me, them] = i % 2 ? [one, other] : [other, one]
    const wanted = i % 4 < 2 ? { username: them.username } : { email: them.email }
    return visitor({ token: me.access_token }).put('/api/users/me', wanted)
  })
  expect(tally(responses)).toEqual({ 409: 48 })
})

const name = `Wanted-${newcomer().username}`
const email = `${name}@Example.com`
const EMAILS = [
  ...[email, email.toUpperCase(), email.toLowerCase(), `  ${email}\t`],
  ...[email.replace('@', '\uff20'), email.replace('W', '\uff37'), email.replace('a', 'a\u0301')],
  ...[`${email}\u200b`, email.replace('.com', '.\u212aom'), email.replace('.', '\u3002')],
]
const accented = `Ren\u00e9e-${crypto.randomUUID().slice(0, 8)}`
const USERNAMES = [
  ...[accented, accented.normalize('NFD'), accented.toUpperCase()],
  ...[` ${accented.toLowerCase()} `, accented.replace('R', '\uff32')],
]

test.each([
  [100, 'email', EMAILS, { 201: 1, 409: 39, 422: 60 }],
  [20, 'username', USERNAMES, { 201: 1, 409: 19 }],
] as const)(
  '31: %i parallel registrations of one %s in different case, space and Unicode forms insert one row',
  { timeout: 60_000 },
  async (count, field, forms, expected) => {
    const responses = await atOnce(count, (i) =>
      visitor().post('/api/users/register', { ...newcomer(), [field]: forms[i % forms.length] }),
    )
    expect(tally(responses)).toEqual(expected)
    const rows = await sql(`select from users where lower(${field}) like lower($1) || '%'`, [
      field === 'email' ? name : accented,
    ])
    expect(rows).toHaveLength(1)
    if (field === 'username') for (const username of forms) await logIn(visitor(), username)
  },
)
