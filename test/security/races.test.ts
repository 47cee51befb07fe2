import { describe, expect, test } from 'vitest'
import { freshName, logIn, newAdmin, newUser, PASSWORD, type Tokens } from '../setup/accounts.ts'
import { environment, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { atOnce, auditLines, openReset, spendTries, tally, triesAt } from './attack.ts'

/** Callers at once. Each has an address of its own, so that no limit does the work of the database. */
const CROWD = 50

/** Hashing for a crowd takes some seconds of CPU: bcrypt is slow on purpose. */
const timeout = 60_000

const NEW_PASSWORD = 'another long password'

const refresh = (refresh_token: string) => visitor().post('/api/users/refresh', { refresh_token })

const sessionsOf = (userId: number) =>
  sql(
    'select counter, revoked_at is not null as revoked from user_sessions where account_id = $1',
    [userId],
  )

const actionsOf = async (userId: number, action: string) =>
  (await auditLines('user', userId)).filter((line) => line.action === action)

describe('of fifty at once', () => {
  test('9 (CVE-2026-1035): all refreshes of one token answer the same successor, and the session has one branch', async () => {
    const user = await newUser()
    const answers = await atOnce(CROWD, () => refresh(user.refresh_token))
    expect(tally(answers)).toEqual({ 200: CROWD })
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    expect(await sessionsOf(user.id)).toEqual([{ counter: 1, revoked: false }])

    const [next = ''] = successors
    const mixed = await atOnce(CROWD, (i) => refresh(i % 2 ? next : user.refresh_token))
    expect(mixed.filter(({ status }) => status !== 200 && status !== 401)).toEqual([])
    const [session] = await sessionsOf(user.id)
    expect(session?.['counter']).toBeLessThanOrEqual(2)
    const newest = mixed.filter(({ body }) => body.refresh_token?.split('.')[1] === '2')
    expect(new Set(newest.map(({ body }) => body.refresh_token)).size).toBeLessThanOrEqual(1)
  })

  test('16 (CVE-2026-18963): one reset wins, and its password alone logs in', {
    timeout,
  }, async () => {
    const user = await newUser()
    const token = await openReset(user.id)
    const passwordOf = (i: number) => `password of caller ${i}`
    const answers = await atOnce(CROWD, (i) =>
      visitor().post('/api/password/reset-password', { token, new_password: passwordOf(i) }),
    )
    expect(tally(answers)).toEqual({ 200: 1, 400: CROWD - 1 })
    const winner = answers.findIndex(({ status }) => status === 200)
    await logIn(visitor(), user.username, { password: passwordOf(winner) })
    for (const password of [PASSWORD, passwordOf(winner + 1), passwordOf(winner - 1)]) {
      const login = { username: user.username, password }
      expect((await visitor().post('/api/users/login', login)).status).toBe(401)
    }
    expect(await actionsOf(user.id, 'password_reset')).toHaveLength(1)
    expect(await sql('select 1 from password_resets where user_id = $1', [user.id])).toEqual([])
  })

  test('8 (CVE-2024-4629): logins with five tries left reach bcrypt five times, whatever the spelling and address', async () => {
    for (const [kind, person] of [
      ['users', await newUser()],
      ['admins', await newAdmin()],
    ] as const) {
      const key = `${kind === 'users' ? 'user' : 'admin'}:${person.id}`
      await spendTries(key, 5)
      const names = [person.username, person.username.toUpperCase(), person.email]
      const answers = await atOnce(CROWD, (i) =>
        visitor().post(`/api/${kind}/login`, { username: names[i % 3], password: `guess ${i}` }),
      )
      expect(tally(answers)).toEqual({ 401: 5, 429: CROWD - 5 })
      expect(await triesAt(key)).toBe(5 + CROWD)
      const lines = await auditLines(kind === 'users' ? 'user' : 'admin', person.id)
      const compared = lines.filter(({ reason }) => reason === 'wrong_password')
      expect(compared).toHaveLength(5)
    }
  })

  test('8: change-password with five tries left compares five times, and no right guess beyond gets through', async () => {
    const user = await newUser()
    await spendTries(`user:${user.id}`, 5)
    const answers = await atOnce(CROWD, (i) =>
      visitor().post(
        '/api/users/change-password',
        { current_password: `guess ${i}`, new_password: NEW_PASSWORD },
        { token: user.access_token },
      ),
    )
    expect(tally(answers)).toEqual({ 401: 5, 429: CROWD - 5 })
    expect(await actionsOf(user.id, 'password_change')).toHaveLength(5)
  })

  test('20: one becomes the first admin of an empty installation', { timeout }, async () => {
    const DATABASE_URL = await emptyDatabase()
    const env = environment({ DATABASE_URL })
    const headers = { 'X-Bootstrap-Token': `${env.ADMIN_BOOTSTRAP_TOKEN}` }
    const answers = await atOnce(CROWD, (i) =>
      visitor({ env }).post(
        '/api/admins/register',
        { username: `admin${i}`, email: `admin${i}@example.com`, password: PASSWORD },
        { headers },
      ),
    )
    expect(tally(answers)).toEqual({ 201: 1, 401: CROWD - 1 })
    const admins = await sql('select is_superadmin, is_first from admins', [], DATABASE_URL)
    expect(admins).toEqual([{ is_superadmin: true, is_first: true }])
    const lines = await sql(
      "select 1 from audit_events where action = 'register'",
      [],
      DATABASE_URL,
    )
    expect(lines).toHaveLength(1)
  })

  test('10: beside change-password, no refresh of another session leaves a token that works', {
    timeout,
  }, async () => {
    const user = await newUser()
    const others = await atOnce(10, () => logIn(visitor(), user.username))
    const [changed, ...refreshed] = await Promise.all([
      visitor().post(
        '/api/users/change-password',
        { current_password: PASSWORD, new_password: NEW_PASSWORD },
        { token: user.access_token },
      ),
      ...Array.from({ length: CROWD }, async (_, i) => {
        await scheduler.wait(i * 4)
        return refresh(others[i % others.length]?.refresh_token ?? '')
      }),
    ])
    expect(changed.status).toBe(200)
    const succeeded = refreshed.filter(({ status }) => status === 200)
    expect(succeeded.length).toBeGreaterThan(0)
    const every = [...others, ...succeeded.map(({ body }): Tokens => body)]
    const again = await Promise.all(every.map(({ refresh_token }) => refresh(refresh_token)))
    expect(tally(again)).toEqual({ 401: every.length })
    const used = await Promise.all(
      every.map(({ access_token: token }) => visitor().get('/api/users/me', { token })),
    )
    expect(tally(used)).toEqual({ 401: every.length })
  })

  test('10: beside change-password, refreshes of the own session stay logged in', async () => {
    const user = await newUser()
    const [changed, ...refreshed] = await Promise.all([
      visitor().post(
        '/api/users/change-password',
        { current_password: PASSWORD, new_password: NEW_PASSWORD },
        { token: user.access_token },
      ),
      ...Array.from({ length: CROWD }, async (_, i) => {
        await scheduler.wait(i * 4)
        return refresh(user.refresh_token)
      }),
    ])
    expect(changed.status).toBe(200)
    expect(tally(refreshed)).toEqual({ 200: CROWD })
    const tokens = refreshed[0]?.body
    expect((await visitor().get('/api/users/me', { token: tokens.access_token })).status).toBe(200)
    expect((await refresh(tokens.refresh_token)).status).toBe(200)
  })

  test('31: restore beside delete leaves the user in one state, and the totals count it right', async () => {
    const [user, admin] = [await newUser(), await newAdmin()]
    const path = `/api/admins/users/${user.id}`
    const token = admin.access_token
    const answers = await atOnce(CROWD, (i) =>
      i % 2
        ? visitor().delete(path, undefined, { token })
        : visitor().post(`${path}/restore`, undefined, { token }),
    )
    expect(answers.filter(({ status }) => status >= 500)).toEqual([])
    const deletions = answers.filter(({ status }) => status === 204)
    expect(await actionsOf(user.id, 'user_deleted')).toHaveLength(deletions.length)
    const [totals] = await sql(
      `select (select sum(total) from user_totals)
         = (select count(*) from users where deleted_at is null) as agree`,
    )
    expect(totals).toEqual({ agree: true })
    expect((await visitor().post(`${path}/restore`, undefined, { token })).status).toBe(200)
    expect((await visitor().get('/api/users/me', { token: user.access_token })).status).toBe(401)
    await logIn(visitor(), user.username)
  })

  test('31: parallel PUT me of different fields are all kept', async () => {
    const user = await newUser()
    const changes = [
      { username: freshName('renamed') },
      { email: `${freshName('moved')}@example.com` },
      { full_name: 'Ada Lovelace' },
    ]
    const answers = await atOnce(CROWD, (i) =>
      visitor().put('/api/users/me', changes[i % 3], { token: user.access_token }),
    )
    expect(tally(answers)).toEqual({ 200: CROWD })
    const [row] = await sql('select username, email, full_name from users where id = $1', [user.id])
    expect(row).toEqual(Object.assign({}, ...changes))
    expect(await actionsOf(user.id, 'email_change')).toHaveLength(1)
  })

  test('31: two users who want one name at once: one has it, the other keeps their own', async () => {
    const people = await atOnce(5, () => newUser())
    const username = freshName('wanted')
    const answers = await atOnce(CROWD, (i) =>
      visitor().put(
        '/api/users/me',
        { username: i % 2 ? username : username.toUpperCase() },
        { token: people[i % 5]?.access_token },
      ),
    )
    expect(tally(answers)).toEqual({ 200: CROWD / 5, 409: CROWD - CROWD / 5 })
    const rows = await sql('select 1 from users where lower(username) = $1', [username])
    expect(rows).toHaveLength(1)
  })
})
