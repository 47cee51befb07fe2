/** Security sheet, fault matrix: the database away. */
import { beforeAll, describe, expect, it } from 'vitest'
import { freshName, mailsTo, newAdmin, PASSWORD, registerUser } from '../setup/accounts.ts'
import { type Answer, type Visitor, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import type { Fault } from '../setup/lanes.ts'
import { deliver, expectUnavailable, faulty, heldQueue, timed } from './faulty-world.ts'

const status = (status: number, body: unknown): Fault => ({
  kind: 'status',
  status,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})

const postgresError = (code: string, message: string) =>
  status(400, { message, code, severity: 'FATAL' })

const FAULTS: [string, Fault][] = [
  ['refuses', { kind: 'refuse' }],
  ['hangs', { kind: 'hang' }],
  ['answers 500', status(500, { message: 'Internal server error' })],
  ['answers 503 without JSON', { kind: 'status', status: 503, body: '<h1>Bad Gateway</h1>' }],
  ['is out of quota', status(402, { message: 'Your project has exceeded the quota.' })],
  ['shuts down', postgresError('57P01', 'terminating connection')],
  ['has no connection left', postgresError('53300', 'sorry, too many clients already')],
  ['refuses the password', postgresError('28P01', 'password authentication failed')],
  ['is read-only', postgresError('25006', 'cannot execute INSERT in a read-only transaction')],
  ['answers garbage', { kind: 'garbage' }],
  ['answers null', status(200, null)],
  ['answers an empty object', status(200, {})],
  [
    'answers rows of another shape',
    status(200, {
      command: 'SELECT',
      rowCount: 1,
      rowAsArray: false,
      rows: [['weird']],
      fields: [{ name: 'weird', dataTypeID: 25 }],
    }),
  ],
]

/** Milliseconds: what a monitor and a caller wait at most. */
const HEALTH_BOUND = 1_000
const ANSWER_BOUND = 5_000

let database: Awaited<ReturnType<typeof faulty>>
let user: Awaited<ReturnType<typeof registerUser>>
let admin: Awaited<ReturnType<typeof newAdmin>>
let resetToken: string

beforeAll(async () => {
  database = await faulty('neon')
  user = await registerUser()
  admin = await newAdmin({ superadmin: true })
  await visitor().post('/api/password/forgot-password', { email: user.email })
  const mails = await mailsTo(user.email, 2)
  const link = mails.map(({ text }) => /token=([^\s]+)/.exec(text)?.[1]).find(Boolean)
  resetToken = decodeURIComponent(link ?? '')
})

/** Every call that needs the database. */
function allCalls(caller: Visitor): Record<string, () => Promise<Answer>> {
  const name = freshName()
  const newcomer = { username: name, email: `${name}@example.com`, password: PASSWORD }
  const login = { username: user.username, password: PASSWORD }
  const change = { current_password: PASSWORD, new_password: `${PASSWORD} 2` }
  const mine = { token: user.access_token }
  const admins = { token: admin.access_token }
  const session = `/api/users/me/sessions/${crypto.randomUUID()}`
  return {
    register: () => caller.post('/api/users/register', newcomer),
    login: () => caller.post('/api/users/login', login),
    'login of nobody': () => caller.post('/api/users/login', { ...login, username: name }),
    refresh: () => caller.post('/api/users/refresh', { refresh_token: user.refresh_token }),
    logout: () => caller.post('/api/users/logout', { refresh_token: user.refresh_token }),
    me: () => caller.get('/api/users/me', mine),
    update: () => caller.put('/api/users/me', { full_name: 'Lost' }, mine),
    'change-password': () => caller.post('/api/users/change-password', change, mine),
    'delete me': () => caller.delete('/api/users/me', { password: PASSWORD }, mine),
    sessions: () => caller.get('/api/users/me/sessions', mine),
    'end a session': () => caller.delete(session, undefined, mine),
    'end the others': () => caller.delete('/api/users/me/sessions', undefined, mine),
    'reset-password': () =>
      caller.post('/api/password/reset-password', {
        token: resetToken,
        new_password: `${PASSWORD} 3`,
      }),
    'admin register': () => caller.post('/api/admins/register', newcomer, admins),
    'admin login': () =>
      caller.post('/api/admins/login', { username: admin.username, password: PASSWORD }),
    'admin refresh': () =>
      caller.post('/api/admins/refresh', { refresh_token: admin.refresh_token }),
    'admin me': () => caller.get('/api/admins/me', admins),
    'list users': () => caller.get('/api/admins/users', admins),
    'read user': () => caller.get(`/api/admins/users/${user.id}`, admins),
    'change user': () => caller.patch(`/api/admins/users/${user.id}`, { is_active: false }, admins),
    'delete user': () => caller.delete(`/api/admins/users/${user.id}`, undefined, admins),
    'restore user': () => caller.post(`/api/admins/users/${user.id}/restore`, undefined, admins),
    'sign user out': () =>
      caller.delete(`/api/admins/users/${user.id}/sessions`, undefined, admins),
    audit: () => caller.get('/api/admins/audit', admins),
    'test-email': () => caller.post('/api/password/test-email', { to_email: admin.email }, admins),
  }
}

/** All that the database knows of the user. */
const known = () =>
  sql(
    `select to_json(u) as account,
      (select json_agg(s order by s.id) from user_sessions s where s.account_id = u.id) as sessions,
      (select json_agg(a order by a.key) from attempts a where a.key in ('user:' || u.id, 'reset-mail:' || u.id)) as attempts,
      (select count(*) from audit_events
        where (actor_kind, actor_id) = ('user', u.id) or (target_kind, target_id) = ('user', u.id)) as events,
      (select id from password_resets where user_id = u.id) as reset
    from users u where u.id = $1`,
    [user.id],
  )

describe.each(FAULTS)('the database %s', (_, fault) => {
  it('every call is 503 within 5 s, never 401 or 409; health is 503, live 200; nothing has changed', async () => {
    const { queue } = heldQueue()
    const env = database.env({ MAIL_QUEUE: queue })
    const before = await known()
    await database.during(fault, async () => {
      const health = await timed(() => visitor({ env }).get('/health'))
      expect(health.took).toBeLessThan(HEALTH_BOUND)
      expect(health.result.status).toBe(503)
      expect(health.result.body).toMatchObject({
        status: 'unhealthy',
        database: { connected: false, error: fault.kind === 'hang' ? 'timeout' : 'unavailable' },
      })
      expect((await visitor({ env }).get('/health/live')).status).toBe(200)

      const calls = Object.entries(allCalls(visitor({ env })))
      const answers = await Promise.all(
        calls.map(async ([name, call]) => ({ name, ...(await timed(call)) })),
      )
      for (const { name, result, took } of answers) {
        expect(result.status, `${name}: ${result.text}`).toBe(503)
        expectUnavailable(result)
        expect(took, name).toBeLessThan(ANSWER_BOUND)
      }
    })
    expect(await known()).toEqual(before)
    const me = await visitor({ env }).get('/api/users/me', { token: user.access_token })
    expect(me.status).toBe(200)
  })
})

describe('the database refuses once', () => {
  it('GET me asks again after a pause and answers 200; PUT me is not sent twice: 503', async () => {
    const caller = visitor({ env: database.env() })
    const mine = { token: user.access_token }
    await database.clear()
    const read = await database.during({ kind: 'refuse', times: 1 }, () =>
      caller.get('/api/users/me', mine),
    )
    expect(read.status).toBe(200)
    const [first, second, ...more] = await database.log()
    expect(more).toEqual([])
    expect(Number(second?.startedAt) - Number(first?.endedAt)).toBeGreaterThan(90)

    await database.clear()
    const write = await database.during({ kind: 'refuse', times: 1 }, () =>
      caller.put('/api/users/me', {}, mine),
    )
    expectUnavailable(write)
    expect(await database.log()).toHaveLength(1)
  })
})

describe.each<[string, Fault]>([
  ['refuses', { kind: 'refuse' }],
  ['answers half', { kind: 'cut' }],
  ['loses its answers', { kind: 'lose-answer' }],
])('the database %s', (_, fault) => {
  it('POST forgot-password answers 200 as ever, and one mail goes once it is back', async () => {
    const { queue, held } = heldQueue()
    const env = database.env({ MAIL_QUEUE: queue })
    const name = freshName()
    const email = `${name}@example.com`
    await sql('insert into users (username, email) values ($1, $2)', [name, email])
    await database.during(fault, async () => {
      const answer = await visitor({ env }).post('/api/password/forgot-password', { email })
      expect(answer.status).toBe(200)
      const { taken, again } = await deliver(held, env)
      expect(taken).toBe(0)
      expect(again).toHaveLength(1)
    })
    expect((await deliver(held, env, { attempts: 2 })).taken).toBe(1)
    expect((await deliver(held, env, { attempts: 3 })).taken).toBe(1)
    expect(await mailsTo(email)).toHaveLength(1)
    const trail = await sql(
      `select from audit_events join users u on u.id = target_id
      where u.email = $1 and action = 'password_reset_requested'`,
      [email],
    )
    expect(trail).toHaveLength(1)
  })
})
