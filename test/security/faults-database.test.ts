import { describe, expect, test } from 'vitest'
import { mailsTo, newAdmin, newcomer, PASSWORD, registerUser } from '../setup/accounts.ts'
import { type Answer, type Visitor, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { forgotPassword, getMe } from './calls.ts'
import {
  deliver,
  expectUnavailable,
  faulty,
  heldQueue,
  mailOnlyUser,
  type NamedFault,
  RESPONSE_LOST,
  responds,
  timed,
  UNREACHABLE,
} from './faulty-world.ts'

const postgresError = (code: string, message: string) =>
  responds(400, { message, code, severity: 'FATAL' })

const FAULTS: NamedFault[] = [
  ...UNREACHABLE,
  ['responds with 500', responds(500, { message: 'Internal server error' })],
  ['is over its quota', responds(402, { message: 'Your project has exceeded the quota.' })],
  ['shuts down', postgresError('57P01', 'terminating connection')],
  ['has no connection left', postgresError('53300', 'sorry, too many clients already')],
  ['rejects the password', postgresError('28P01', 'password authentication failed')],
  ['is read-only', postgresError('25006', 'cannot execute INSERT in a read-only transaction')],
  ['responds with null', responds(200, null)],
  ['responds with an empty object', responds(200, {})],
  [
    'returns rows of another shape',
    responds(200, {
      command: 'SELECT',
      rowCount: 1,
      rowAsArray: false,
      rows: [['weird']],
      fields: [{ name: 'weird', dataTypeID: 25 }],
    }),
  ],
]

const HEALTH_BOUND_MS = 1_000
const RESPONSE_BOUND_MS = 5_000

const database = await faulty('neon')
const user = await registerUser()
const admin = await newAdmin({ superadmin: true })

await forgotPassword(user.email)
const mails = await mailsTo(user.email, 2)
const link = mails.map(({ text }) => /token=([^\s]+)/.exec(text)?.[1]).find(Boolean)
const resetToken = decodeURIComponent(link ?? '')

/** Every call that needs the database. */
function allCalls(caller: Visitor): Record<string, () => Promise<Answer>> {
  const fields = newcomer()
  const { username, password, refresh_token } = user
  const change = { current_password: PASSWORD, new_password: `${PASSWORD} 2` }
  const reset = { token: resetToken, new_password: `${PASSWORD} 3` }
  const adminLogin = { username: admin.username, password }
  const adminRefresh = { refresh_token: admin.refresh_token }
  const mine = { token: user.access_token }
  const admins = { token: admin.access_token }
  const session = `/api/users/me/sessions/${crypto.randomUUID()}`
  const path = `/api/admins/users/${user.id}`
  return {
    register: () => caller.post('/api/users/register', fields),
    login: () => caller.post('/api/users/login', { username, password }),
    'login, unknown name': () => caller.post('/api/users/login', fields),
    refresh: () => caller.post('/api/users/refresh', { refresh_token }),
    logout: () => caller.post('/api/users/logout', { refresh_token }),
    me: () => caller.get('/api/users/me', mine),
    update: () => caller.put('/api/users/me', { full_name: 'Lost' }, mine),
    'change-password': () => caller.post('/api/users/change-password', change, mine),
    'delete me': () => caller.delete('/api/users/me', { password }, mine),
    sessions: () => caller.get('/api/users/me/sessions', mine),
    'end a session': () => caller.delete(session, undefined, mine),
    'end the others': () => caller.delete('/api/users/me/sessions', undefined, mine),
    'reset-password': () => caller.post('/api/password/reset-password', reset),
    'admin register': () => caller.post('/api/admins/register', fields, admins),
    'admin login': () => caller.post('/api/admins/login', adminLogin),
    'admin refresh': () => caller.post('/api/admins/refresh', adminRefresh),
    'admin me': () => caller.get('/api/admins/me', admins),
    'list users': () => caller.get('/api/admins/users', admins),
    'read user': () => caller.get(path, admins),
    'change user': () => caller.patch(path, { is_active: false }, admins),
    'delete user': () => caller.delete(path, undefined, admins),
    'restore user': () => caller.post(`${path}/restore`, undefined, admins),
    'sign user out': () => caller.delete(`${path}/sessions`, undefined, admins),
    audit: () => caller.get('/api/admins/audit', admins),
    'test-email': () => caller.post('/api/password/test-email', { to_email: admin.email }, admins),
  }
}

/** Everything that is stored about the user. */
const stored = () =>
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

describe.each(FAULTS)('Fault matrix: the database %s', (_, fault) => {
  test('every call is 503 within 5 s, never 401 or 409; health is 503 within 1 s, live 200; nothing changes', async () => {
    const env = database.env({ MAIL_QUEUE: heldQueue().queue })
    const before = await stored()
    await database.during(fault, async () => {
      const { result: health, took } = await timed(() => visitor({ env }).get('/health'))
      expect(took).toBeLessThan(HEALTH_BOUND_MS)
      const error = fault.kind === 'hang' ? 'timeout' : 'unavailable'
      const body = { status: 'unhealthy', database: { connected: false, error } }
      expect(health).toMatchObject({ status: 503, body })
      expect((await visitor({ env }).get('/health/live')).status).toBe(200)

      const calls = Object.entries(allCalls(visitor({ env })))
      const answers = await Promise.all(
        calls.map(async ([name, call]) => ({ name, ...(await timed(call)) })),
      )
      for (const { name, result, took } of answers) {
        expect(result.status, `${name}: ${result.text}`).toBe(503)
        expectUnavailable(result)
        expect(took, name).toBeLessThan(RESPONSE_BOUND_MS)
      }
    })
    expect(await stored()).toEqual(before)
    expect((await getMe(user.access_token, { client: visitor({ env }) })).status).toBe(200)
  })
})

test('Fault matrix: if the database refuses one connection, GET me tries again after a pause and is 200; PUT me is 503 without a second attempt', async () => {
  const caller = visitor({ env: database.env(), token: user.access_token })
  const refusedOnce = async (act: () => Promise<Answer>) => {
    await database.clear()
    const answer = await database.during({ kind: 'refuse', times: 1 }, act)
    return { answer, log: await database.log() }
  }
  const read = await refusedOnce(() => caller.get('/api/users/me'))
  expect(read.answer.status).toBe(200)
  expect(read.log).toHaveLength(2)
  const [first, second] = read.log
  expect(Number(second?.startedAt) - Number(first?.endedAt)).toBeGreaterThan(90)

  const write = await refusedOnce(() => caller.put('/api/users/me', {}))
  expectUnavailable(write.answer)
  expect(write.log).toHaveLength(1)
})

test.each<NamedFault>([['refuses connections', { kind: 'refuse' }], ...RESPONSE_LOST])(
  'Fault matrix: while the database %s, POST forgot-password is 200; one email is sent once it is back',
  async (_, fault) => {
    const { queue, held } = heldQueue()
    const env = database.env({ MAIL_QUEUE: queue })
    const email = await mailOnlyUser()
    await database.during(fault, async () => {
      expect((await forgotPassword(email, { client: visitor({ env }) })).status).toBe(200)
      expect(await deliver(held, env)).toEqual({ acknowledged: 0, retried: ['m0'] })
    })
    expect((await deliver(held, env, 2)).acknowledged).toBe(1)
    expect((await deliver(held, env, 3)).acknowledged).toBe(1)
    expect(await mailsTo(email)).toHaveLength(1)
    const trail = await sql(
      `select from audit_events join users u on u.id = target_id
     where u.email = $1 and action = 'password_reset_requested'`,
      [email],
    )
    expect(trail).toHaveLength(1)
  },
)
