import { expect, test } from 'vitest'
import { logIn, mailsTo, newAdmin, newcomer, PASSWORD, registerUser } from '../setup/accounts.ts'
import { expectError, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { resetTokenOf } from '../setup/reset-token.ts'
import { expectInvalid } from '../setup/shapes.ts'
import { auditLines } from './attack.ts'
import { changePassword, forgotPassword, getMe, login, NEW_PASSWORD } from './calls.ts'

const superadmin = await newAdmin({ superadmin: true })

const eventsOf = (requestId: string | null) =>
  sql(
    'select action, outcome, reason, actor_id, target_id from audit_events where request_id = $1',
    [requestId],
  )

/** A client in Berlin, as Cloudflare reports it. */
const fromBerlin = (token?: string) =>
  visitor({
    address: `2001:db8:${crypto.randomUUID().slice(0, 4)}:1::7`,
    cf: { country: 'DE', city: 'Berlin' },
    ...(token && { token }),
  })

const SUCCESS = { outcome: 'success', reason: null }
const WRONG_PASSWORD = { outcome: 'failure', reason: 'wrong_password' }

test('Audit trail (ASVS 16.2.1): each act of a user is an event with actor, target, request, network and country', async () => {
  const fields = newcomer()
  const { username, email } = fields
  const anonymous = fromBerlin()
  const registered = await anonymous.post('/api/users/register', fields)
  const id: number = registered.body.id
  const logInWith = (password: string) => login(username, password, { client: anonymous })
  const [wrong, first, second] = [
    await logInWith('wrong pass'),
    await logInWith(PASSWORD),
    await logInWith(PASSWORD),
  ]
  expect(second.body).toHaveProperty('access_token')
  const { access_token: token, refresh_token } = first.body
  const me = fromBerlin(token)
  const change = (current_password: string) =>
    changePassword(token, current_password, NEW_PASSWORD, { client: me })
  const [other] = await sql<{ id: string }>(
    'select id from user_sessions where account_id = $1 order by created_at desc limit 1',
    [id],
  )
  const acts: [action: string, rest: object, done: { headers: Headers }][] = [
    ['register', SUCCESS, registered],
    ['login', { ...WRONG_PASSWORD, actor: null }, wrong],
    ['login', SUCCESS, first],
    ['login', SUCCESS, second],
    ['profile_update', SUCCESS, await me.put('/api/users/me', { full_name: 'Ada' })],
    ['email_change', SUCCESS, await me.put('/api/users/me', { email: `moved-${email}` })],
    ['session_revoked', SUCCESS, await me.delete(`/api/users/me/sessions/${other?.id}`)],
    ['other_sessions_revoked', SUCCESS, await me.delete('/api/users/me/sessions')],
    ['password_change', WRONG_PASSWORD, await change('x')],
    ['password_change', SUCCESS, await change(PASSWORD)],
    ['account_deleted', WRONG_PASSWORD, await me.delete('/api/users/me', { password: 'x' })],
    ['logout', SUCCESS, await anonymous.post('/api/users/logout', { refresh_token })],
  ]
  const reset = { token: await resetTokenOf(id), new_password: PASSWORD }
  acts.push([
    'password_reset',
    SUCCESS,
    await anonymous.post('/api/password/reset-password', reset),
  ])
  const last = await logInWith(PASSWORD)
  acts.push(['login', SUCCESS, last])
  const client = fromBerlin(last.body.access_token)
  const deleted = await client.delete('/api/users/me', { password: PASSWORD })
  acts.push(['account_deleted', SUCCESS, deleted])

  const account = `user:${id}`
  expect(await auditLines('user', id)).toEqual(
    acts.map(([action, rest, { headers }]) => ({
      ...{ action, actor: account, target: account, country: 'DE', ...rest },
      request_id: headers.get('X-Request-ID'),
      network: expect.stringMatching(/^2001:0db8:[0-9a-f]{4}::\/48$/),
    })),
  )
})

test('Audit trail (ASVS 16.2.1): each act of an admin on a user is an event with both; reading is none', async () => {
  const user = await registerUser()
  const before = await auditLines('user', user.id)
  const client = fromBerlin(superadmin.access_token)
  const path = `/api/admins/users/${user.id}`
  await client.get(path)
  const acts = [
    ['user_updated', await client.patch(path, { is_superuser: true })],
    ['user_sessions_revoked', await client.delete(`${path}/sessions`)],
    ['user_deleted', await client.delete(path)],
    ['user_restored', await client.post(`${path}/restore`)],
  ] as const
  const events = await auditLines('user', user.id)
  expect(events.slice(before.length)).toEqual(
    acts.map(([action, { headers }]) => ({
      ...{ action, ...SUCCESS, actor: `admin:${superadmin.id}`, target: `user:${user.id}` },
      ...{ request_id: headers.get('X-Request-ID'), country: 'DE' },
      network: expect.stringMatching(/::\/48$/),
    })),
  )
})

test('Audit trail (ASVS 16.3.1): the event of a reset email has the id of the request that asked for it', async () => {
  const user = await registerUser()
  const asked = await forgotPassword(user.email, { client: fromBerlin() })
  await mailsTo(user.email, 2)
  expect((await auditLines('user', user.id)).at(-1)).toMatchObject({
    ...{ action: 'password_reset_requested', ...SUCCESS, actor: null, target: `user:${user.id}` },
    ...{ request_id: asked.headers.get('X-Request-ID'), country: 'DE' },
  })
})

test('Audit trail: a statement that fails changes nothing and writes no event', async () => {
  const [user, other, admin] = [await registerUser(), await registerUser(), await newAdmin()]
  const client = visitor({ token: user.access_token })
  const byAdmin = visitor({ token: admin.access_token })
  const responses = [
    await client.put('/api/users/me', { username: other.username, full_name: 'X' }),
    await client.put('/api/users/me', { email: other.email }),
    await client.post('/api/users/register', { ...newcomer(), username: user.username }),
    await client.delete(`/api/users/me/sessions/${crypto.randomUUID()}`),
    await byAdmin.patch(`/api/admins/users/${user.id}`, { is_superuser: true }),
    await byAdmin.delete('/api/admins/users/2147483647'),
  ]
  expect(responses.map(({ status }) => status)).toEqual([409, 409, 409, 404, 403, 404])
  for (const { headers } of responses)
    expect(await eventsOf(headers.get('X-Request-ID'))).toEqual([])
  const rows = await sql('select username, full_name from users where id = $1', [user.id])
  expect(rows).toEqual([{ username: user.username, full_name: null }])
})

test('Audit trail: if the event cannot be written, the act is not carried out', async () => {
  const user = await registerUser()
  const trigger = `reject_${crypto.randomUUID().replaceAll('-', '')}`
  const requestId = crypto.randomUUID()
  await sql(`create function ${trigger}() returns trigger language plpgsql as $$
    begin
      if new.request_id = '${requestId}' then raise exception 'no event'; end if;
      return new;
    end $$`)
  await sql(
    `create trigger ${trigger} before insert on audit_events for each row execute function ${trigger}()`,
  )
  try {
    const options = { headers: { 'X-Request-ID': requestId } }
    const { access_token: token, refresh_token } = user
    const passwords = { current_password: PASSWORD, new_password: NEW_PASSWORD }
    const client = visitor({ token })
    const byAdmin = visitor({ token: superadmin.access_token })
    const responses = [
      await client.put('/api/users/me', { full_name: 'X' }, options),
      await client.post('/api/users/logout', { refresh_token }, options),
      await client.post('/api/users/change-password', passwords, options),
      await byAdmin.delete(`/api/admins/users/${user.id}`, undefined, options),
    ]
    expect(responses.map(({ status }) => status)).toEqual([500, 500, 500, 500])
  } finally {
    await sql(`drop trigger ${trigger} on audit_events`)
    await sql(`drop function ${trigger}`)
  }
  const rows = await sql('select full_name, deleted_at from users where id = $1', [user.id])
  expect(rows).toEqual([{ full_name: null, deleted_at: null }])
  expect((await getMe(user.access_token)).status).toBe(200)
  await logIn(visitor(), user.username)
  expect(await eventsOf(requestId)).toEqual([])
})

test('Audit trail (ASVS 16.4.2): the database rejects updates and deletes of events, and truncating the table', async () => {
  const { id } = await registerUser()
  const before = await auditLines('user', id)
  expect(before.length).toBeGreaterThan(0)
  for (const statement of [
    `update audit_events set actor_id = 1 where actor_id = ${id}`,
    `update audit_events set at = now() - interval '10 years' where actor_id = ${id}`,
    `delete from audit_events where actor_id = ${id}`,
    'truncate audit_events',
  ]) {
    await expect(sql(statement), statement).rejects.toThrow('append-only')
  }
  expect(await auditLines('user', id)).toEqual(before)
})

test('Audit trail (ASVS 16.4.2): events older than thirty days can be deleted, not changed', async () => {
  const requestId = crypto.randomUUID()
  await sql(
    `insert into audit_events (at, action, outcome, request_id)
     values (now() - interval '31 days', 'login', 'success', $1)`,
    [requestId],
  )
  const change = sql('update audit_events set reason = null where request_id = $1', [requestId])
  await expect(change).rejects.toThrow('append-only')
  await sql('delete from audit_events where request_id = $1', [requestId])
  expect(await eventsOf(requestId)).toEqual([])
})

const list = (query: string, token = superadmin.access_token) =>
  visitor({ token }).get(`/api/admins/audit?${query}`)

test('Audit trail: paging returns every event once, newest first, while new ones are written', async () => {
  const user = await registerUser()
  const filter = `target_kind=user&target_id=${user.id}`
  for (let i = 0; i < 4; i++) await logIn(visitor(), user.username)
  const whole = (await list(filter)).body.items
  expect(whole).toHaveLength(6)
  const seen: unknown[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { status, body } = await list(`${filter}&page_size=2${cursor && `&cursor=${cursor}`}`)
    expect(status).toBe(200)
    seen.push(...body.items)
    cursor = body.next_cursor
    if (seen.length < 6) await logIn(visitor(), user.username)
  }
  expect(seen).toEqual(whole)
})

test('Audit trail: whatever the filter, an admin who is no superadmin is 403', async () => {
  const { id, access_token } = await newAdmin()
  for (const query of ['', 'outcome=failure', `actor_kind=admin&actor_id=${id}`]) {
    const denied = await list(query, access_token)
    expectError(denied, 403, 'AuthorizationError')
    expect(denied.body).not.toHaveProperty('items')
  }
})

test('Audit trail: a forged cursor and an id out of range are 422', async () => {
  const forged = ['x', 'e30', 'bnVsbA', '!!!', btoa('{"before":-1}'), btoa('{"before":1.5}')]
  for (const cursor of forged.map((text) => text.replaceAll('=', ''))) {
    const response = await list(`cursor=${encodeURIComponent(cursor)}`)
    expectError(response, 422, 'ValidationError')
    expect(response.body.details.errors[0].field).toMatch(/^cursor/)
  }
  expectInvalid(await list('actor_id=2147483648'), 'actor_id')
})

test('Audit trail: events contain the network, and no address, email, name or token', async () => {
  const user = await registerUser(visitor({ address: '203.0.113.199' }))
  const { text } = await list(`target_kind=user&target_id=${user.id}`)
  expect(text).toContain('203.0.113.0/24')
  for (const secret of ['203.0.113.199', user.email, user.username, user.refresh_token]) {
    expect(text).not.toContain(secret)
  }
})
