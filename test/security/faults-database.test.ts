import { createExecutionContext, createScheduledController } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import worker from '../../functions/worker.ts'
import { mailsTo, newAdmin, newcomer, PASSWORD, registerUser } from '../setup/accounts.ts'
import { type ApiResponse, expectError, type Visitor, visitor } from '../setup/api.ts'
import { openApiRoutes } from '../setup/conformance.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { mailedResetToken, resetTokenOf } from '../setup/reset-token.ts'
import { changePassword, forgotPassword, getMe, login, NEW_PASSWORD, refresh } from './calls.ts'
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

const database = await faulty('neon')
const user = await registerUser()
const admin = await newAdmin({ superadmin: true })
await forgotPassword(user.email)
const resetToken = await mailedResetToken(user.email, 2)
const adminResetToken = await resetTokenOf(admin.id, 60, 'admin')

/** Bodies that reach the database. */
function bodyOf(route: string): unknown {
  const { username, password, refresh_token } = user
  const change = { current_password: PASSWORD, new_password: NEW_PASSWORD }
  const bodies: Record<string, unknown> = {
    'post /api/users/register': newcomer(),
    'post /api/users/login': { username, password },
    'post /api/users/refresh': { refresh_token },
    'post /api/users/logout': { refresh_token },
    'post /api/users/change-password': change,
    'put /api/users/me': { full_name: 'Lost' },
    'delete /api/users/me': { password },
    'post /api/password/reset-password': { token: resetToken, new_password: NEW_PASSWORD },
    'post /api/password/reset-password/check': { token: resetToken },
    'post /api/password/test-email': { to_email: admin.email },
    'post /api/admins/register': newcomer(),
    'post /api/admins/login': { username: admin.username, password },
    'post /api/admins/refresh': { refresh_token: admin.refresh_token },
    'post /api/admins/logout': { refresh_token: admin.refresh_token },
    'post /api/admins/change-password': change,
    'post /api/admins/reset-password': { token: adminResetToken, new_password: NEW_PASSWORD },
    'post /api/admins/reset-password/check': { token: adminResetToken },
    'patch /api/admins/users/{id}': { is_active: false },
  }
  return bodies[route]
}

/** Every call that needs the database: all but forgot-password. */
const routes = (await openApiRoutes()).filter((route) => / \/api\/(?!\w+\/forgot)/.test(route))

async function call(route: string, client: Visitor) {
  const [method = '', path = ''] = route.split(' ')
  const { access_token: token } = /admins|test-email/.test(path) ? admin : user
  const id = path.includes('/sessions/') ? crypto.randomUUID() : user.id
  const target = path.replace('{id}', String(id))
  const act = () => client.call(method.toUpperCase(), target, bodyOf(route), { token })
  return { route, ...(await timed(act)) }
}

const stored = () =>
  sql(
    `select to_json(u) as account,
      (select json_agg(s order by s.id) from user_sessions s where s.account_id = u.id) as sessions,
      (select json_agg(a order by a.key) from attempts a where a.key ~ ('user:' || u.id || '(@|$)')) as attempts,
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
      expect(took).toBeLessThan(1_000)
      const error = fault.kind === 'hang' ? 'timeout' : 'unavailable'
      const body = { status: 'unhealthy', database: { connected: false, error } }
      expect(health).toMatchObject({ status: 503, body })
      expect((await visitor({ env }).get('/health/live')).status).toBe(200)

      const client = visitor({ env })
      const unknown = timed(() => login(newcomer().username, PASSWORD, { client }))
      const responses = await Promise.all(routes.map((route) => call(route, client)))
      responses.push({ route: 'login with an unknown name', ...(await unknown) })
      for (const { route, result, took } of responses) {
        expect(result.status, `${route}: ${result.text}`).toBe(503)
        expectUnavailable(result)
        expect(took, route).toBeLessThan(5_000)
      }
    })
    expect(await stored()).toEqual(before)
    expect((await getMe(user.access_token, { client: visitor({ env }) })).status).toBe(200)
  })
})

test('Fault matrix: if the database closes one connection, GET me tries again after a pause and is 200; PUT me is 503 without a second attempt', async () => {
  const caller = visitor({ env: database.env(), token: user.access_token })
  const disconnectedOnce = async (act: () => Promise<ApiResponse>) => {
    await database.clear()
    const response = await database.during({ kind: 'disconnect', times: 1 }, act)
    return { response, log: await database.log() }
  }
  const read = await disconnectedOnce(() => caller.get('/api/users/me'))
  expect(read.response.status).toBe(200)
  expect(read.log).toHaveLength(2)
  const [first, second] = read.log
  expect(Number(second?.startedAt) - Number(first?.endedAt)).toBeGreaterThan(90)

  const write = await disconnectedOnce(() => caller.put('/api/users/me', {}))
  expectUnavailable(write.response)
  expect(write.log).toHaveLength(1)
})

test.each<NamedFault>([['closes connections', { kind: 'disconnect' }], ...RESPONSE_LOST])(
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

/** A separate database: the cron sends every pending email that it finds. */
const url = await emptyDatabase()
const query: typeof sql = (statement, parameters) => sql(statement, parameters, url)

describe.each(RESPONSE_LOST)('Fault matrix: the database %s after the commit', (_, fault) => {
  const { queue, held } = heldQueue()
  const env = database.env({ MAIL_QUEUE: queue, DATABASE_URL: url })
  const client = visitor({ env })

  test('POST register is 503, then 409; there is one user, one audit event and one email', async () => {
    const fields = newcomer()
    const { email } = fields
    const register = () => client.post('/api/users/register', fields)
    expectUnavailable(await database.during(fault, register))
    expectError(await register(), 409, 'DuplicateRecordError')
    const rows = await query(
      `select (
        select count(*)::int from audit_events where action = 'register' and actor_id = u.id
          and actor_kind = 'user'
      ) as events from users u where email = $1`,
      [email],
    )
    expect(rows).toEqual([{ events: 1 }])

    // The cron sends what the request did not, after two minutes.
    expect(held).toEqual([])
    await query(
      "update outbox set created_at = now() - interval '3 minutes' where recipient = $1",
      [email],
    )
    const cron = () => worker.scheduled(createScheduledController(), env, createExecutionContext())
    await cron()
    await cron()
    expect(held).toHaveLength(1)
    expect(await deliver(held, env)).toMatchObject({ acknowledged: 1 })
    expect(await mailsTo(email)).toHaveLength(1)
    expect(await query('select from outbox where recipient = $1', [email])).toEqual([])
  })

  test('POST refresh is 503, then 200 with the successor that was issued; the chain continues', async () => {
    const user = await registerUser(client)
    const again = () => refresh(user.refresh_token, { client })
    expectUnavailable(await database.during(fault, again))
    const [first, second] = [await again(), await again()]
    expect(first.status).toBe(200)
    expect(second.body.refresh_token).toBe(first.body.refresh_token)
    const sessions = await query(
      'select counter, revoked_at from user_sessions where account_id = $1',
      [user.id],
    )
    expect(sessions).toEqual([{ counter: 1, revoked_at: null }])
    expect((await refresh(first.body.refresh_token, { client })).status).toBe(200)
  })

  test('PUT me is 503, then 200; the old and the new address are sent one notice each', async () => {
    const user = await registerUser(client)
    const change = { email: `new-${user.email}`, full_name: 'Ada' }
    const put = () => client.put('/api/users/me', change, { token: user.access_token })
    expectUnavailable(await database.during(fault, put))
    expect(await put()).toMatchObject({ status: 200, body: change })
    const pending = await query<{ recipient: string }>(
      "select recipient from outbox where mail->>'kind' = 'email-changed' and recipient in ($1, $2)",
      [user.email, change.email],
    )
    const recipients = pending.map(({ recipient }) => recipient)
    expect(recipients.toSorted()).toEqual([user.email, change.email].toSorted())
  })

  test('POST change-password is 503, then 401; the new password logs in, the old one does not', async () => {
    const user = await registerUser(client)
    const change = () => changePassword(user.access_token, PASSWORD, NEW_PASSWORD, { client })
    expectUnavailable(await database.during({ ...fault, match: 'session_epoch + 1' }, change))
    expectError(await change(), 401, 'AuthenticationError', 'Current password is incorrect')
    expect((await login(user.username, NEW_PASSWORD, { client })).status).toBe(200)
    expect((await login(user.username, PASSWORD, { client })).status).toBe(401)
  })

  test('POST login is 503, then 200; the session whose tokens were lost remains until it expires', async () => {
    const user = await registerUser(client)
    const again = () => login(user.username, PASSWORD, { client })
    expectUnavailable(await database.during({ ...fault, match: 'opened' }, again))
    expect((await again()).status).toBe(200)
    const sessions = await query('select from user_sessions where account_id = $1', [user.id])
    expect(sessions).toHaveLength(3)
  })
})
