/** Security sheet, fault matrix: the database commits, and its answer is lost or cut. */

import { createScheduledController } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import worker from '../../functions/worker.ts'
import type { Bindings } from '../../src/context.ts'
import type { MailMessage } from '../../src/mail/queue.ts'
import { freshName, mailsTo, PASSWORD, registerUser } from '../setup/accounts.ts'
import { expectError, type Visitor, visitor } from '../setup/api.ts'
import { emptyDatabase, sql } from '../setup/database.ts'
import type { Fault } from '../setup/lanes.ts'
import { deliver, expectUnavailable, faulty, heldQueue } from './faulty-world.ts'

let database: Awaited<ReturnType<typeof faulty>>
/** Of its own: the cron takes up every mail that it finds. */
let url: string

beforeAll(async () => {
  database = await faulty('neon')
  url = await emptyDatabase()
})

const query: typeof sql = (statement, parameters) => sql(statement, parameters, url)

const FAULTS: [string, Fault][] = [
  ['is lost', { kind: 'lose-answer' }],
  ['is cut', { kind: 'cut' }],
]

describe.each(FAULTS)('the answer %s after the commit', (_, fault) => {
  let env: Bindings
  let held: MailMessage[]
  let caller: Visitor

  beforeAll(() => {
    const mail = heldQueue()
    held = mail.held
    env = database.env({ MAIL_QUEUE: mail.queue, DATABASE_URL: url })
    caller = visitor({ env })
  })

  it('POST register is 503, again 409; there is one user, one line of the trail, and one mail', async () => {
    const name = freshName()
    const email = `${name}@example.com`
    const newcomer = { username: name, email, password: PASSWORD }
    const first = await database.during(fault, () => caller.post('/api/users/register', newcomer))
    expectUnavailable(first)
    expectError(await caller.post('/api/users/register', newcomer), 409, 'DuplicateRecordError')
    const rows = await query<{ id: number; lines: string }>(
      `select u.id, (
        select count(*) from audit_events where action = 'register' and actor_id = u.id
          and actor_kind = 'user'
      ) as lines from users u where email = $1`,
      [email],
    )
    expect(rows).toMatchObject([{ lines: '1' }])

    // The message that the request did not send is the cron's to send, two minutes later.
    expect(held).toEqual([])
    await query(
      "update outbox set created_at = now() - interval '3 minutes' where recipient = $1",
      [email],
    )
    const cron = () => worker.scheduled(createScheduledController(), env)
    await cron()
    await cron()
    expect(held).toHaveLength(1)
    expect(await deliver(held, env)).toMatchObject({ taken: 1 })
    expect(await mailsTo(email)).toHaveLength(1)
    expect(await query('select from outbox where recipient = $1', [email])).toEqual([])
  })

  it('POST refresh is 503, again 200 with the successor that was made; the chain goes on', async () => {
    const user = await registerUser(caller)
    const refresh = (refresh_token: string) => caller.post('/api/users/refresh', { refresh_token })
    const lost = await database.during(fault, () => refresh(user.refresh_token))
    expectUnavailable(lost)
    const [again, beside] = [await refresh(user.refresh_token), await refresh(user.refresh_token)]
    expect(again.status).toBe(200)
    expect(beside.body.refresh_token).toBe(again.body.refresh_token)
    const sessions = await query(
      'select counter, revoked_at from user_sessions where account_id = $1',
      [user.id],
    )
    expect(sessions).toEqual([{ counter: 1, revoked_at: null }])
    expect((await refresh(again.body.refresh_token)).status).toBe(200)
  })

  it('PUT me is 503, again 200, and one notice each goes to the old and the new address', async () => {
    const user = await registerUser(caller)
    const token = user.access_token
    const change = { email: `new-${user.email}`, full_name: 'Ada' }
    const put = () => caller.put('/api/users/me', change, { token })
    expectUnavailable(await database.during(fault, put))
    const again = await put()
    expect(again.status).toBe(200)
    expect(again.body).toMatchObject(change)
    const owed = await query<{ recipient: string }>(
      "select recipient from outbox where mail->>'kind' = 'email-changed' and recipient in ($1, $2)",
      [user.email, change.email],
    )
    expect(owed.map(({ recipient }) => recipient).sort()).toEqual([user.email, change.email].sort())
  })

  it('POST change-password is 503, again 401; the new password logs in, the old does not', async () => {
    const user = await registerUser(caller)
    const token = user.access_token
    const passwords = { current_password: PASSWORD, new_password: `${PASSWORD} 2` }
    const change = () => caller.post('/api/users/change-password', passwords, { token })
    expectUnavailable(await database.during({ ...fault, match: 'session_epoch + 1' }, change))
    expectError(await change(), 401, 'AuthenticationError', 'Current password is incorrect')
    const login = (password: string) =>
      caller.post('/api/users/login', { username: user.username, password })
    expect((await login(passwords.new_password)).status).toBe(200)
    expect((await login(PASSWORD)).status).toBe(401)
  })

  it('POST login is 503, again 200; the session whose tokens were lost waits for its end', async () => {
    const user = await registerUser(caller)
    const login = () =>
      caller.post('/api/users/login', { username: user.username, password: PASSWORD })
    expectUnavailable(await database.during({ ...fault, match: 'opened' }, login))
    expect((await login()).status).toBe(200)
    const sessions = await query('select from user_sessions where account_id = $1', [user.id])
    expect(sessions).toHaveLength(3)
  })
})
