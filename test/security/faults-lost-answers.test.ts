import { createScheduledController } from 'cloudflare:test'
import { beforeAll, describe, expect, test } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import type { MailMessage } from '../../src/mail/queue.ts'
import { mailsTo, newcomer, PASSWORD, registerUser } from '../setup/accounts.ts'
import { expectError, type Visitor, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import { changePassword, login, NEW_PASSWORD, refresh } from './calls.ts'
import { deliver, expectUnavailable, faulty, heldQueue, RESPONSE_LOST } from './faulty-world.ts'

const database = await faulty('neon')

/** A separate database: the cron sends every pending email that it finds. */
const url = await emptyDatabase()

const query: typeof sql = (statement, parameters) => sql(statement, parameters, url)

describe.each(RESPONSE_LOST)('Fault matrix: the database %s after the commit', (_, fault) => {
  let env: Bindings
  let held: MailMessage[]
  let client: Visitor

  beforeAll(() => {
    const mail = heldQueue()
    held = mail.held
    env = database.env({ MAIL_QUEUE: mail.queue, DATABASE_URL: url })
    client = visitor({ env })
  })

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
    const cron = () => worker.scheduled(createScheduledController(), env)
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
