import { beforeAll, describe, expect, test } from 'vitest'
import { freshName, logIn, mailsTo, newAdmin, newUser, PASSWORD } from '../setup/accounts.ts'
import { environment, expectError, send, visitor } from '../setup/api.ts'
import { sql } from '../setup/database.ts'
import { expectInvalid } from '../setup/shapes.ts'
import { auditLines, openReset } from './attack.ts'
import { faulty } from './faulty-world.ts'

const NEW_PASSWORD = 'another long password'

let superadmin: Awaited<ReturnType<typeof newAdmin>>
beforeAll(async () => {
  superadmin = await newAdmin({ superadmin: true })
})

/** A request from a known place, as Cloudflare tells it. */
async function fromBerlin(method: string, path: string, body?: unknown, token?: string) {
  const headers = new Headers({
    'Content-Type': 'application/json',
    'CF-Connecting-IP': `2001:db8:${crypto.randomUUID().slice(0, 4)}:1::7`,
    ...(token && { Authorization: `Bearer ${token}` }),
  })
  const init = { method, headers, body: body === undefined ? null : JSON.stringify(body) }
  const cf = { country: 'DE', city: 'Berlin' }
  return send(new Request(`https://accounts.example.com${path}`, { ...init, cf }))
}

const SUCCESS = { outcome: 'success', reason: null }

describe('each act has its line', () => {
  test('ASVS 16.2.1: what a user does stands in the trail, with actor, target, request, network and country', async () => {
    const username = freshName()
    const email = `${username}@example.com`
    const credentials = { username, password: PASSWORD }
    const registered = await fromBerlin('POST', '/api/users/register', { ...credentials, email })
    const { id } = registered.body as { id: number }
    const login = async (password: string) =>
      fromBerlin('POST', '/api/users/login', { username, password })
    const [wrong, first, second] = [
      await login('wrong pass'),
      await login(PASSWORD),
      await login(PASSWORD),
    ]
    const { access_token, refresh_token } = first.body as Record<string, string>
    const other = second.body as Record<string, string>
    const me = (method: string, path: string, body?: unknown) =>
      fromBerlin(method, `/api/users${path}`, body, access_token)
    const [{ id: otherSession }] = (await sql<{ id: string }>(
      'select id from user_sessions where account_id = $1 order by created_at desc limit 1',
      [id],
    )) as [{ id: string }]

    const acts: [action: string, rest: object, done: { status: number; headers: Headers }][] = [
      ['register', SUCCESS, registered],
      ['login', { outcome: 'failure', reason: 'wrong_password', actor: null }, wrong],
      ['login', SUCCESS, first],
      ['login', SUCCESS, second],
      ['profile_update', SUCCESS, await me('PUT', '/me', { full_name: 'Ada' })],
      ['email_change', SUCCESS, await me('PUT', '/me', { email: `moved-${email}` })],
      ['session_revoked', SUCCESS, await me('DELETE', `/me/sessions/${otherSession}`)],
      ['other_sessions_revoked', SUCCESS, await me('DELETE', '/me/sessions')],
      [
        'password_change',
        { outcome: 'failure', reason: 'wrong_password' },
        await me('POST', '/change-password', { current_password: 'x', new_password: NEW_PASSWORD }),
      ],
      [
        'password_change',
        SUCCESS,
        await me('POST', '/change-password', {
          current_password: PASSWORD,
          new_password: NEW_PASSWORD,
        }),
      ],
      [
        'account_deleted',
        { outcome: 'failure', reason: 'wrong_password' },
        await me('DELETE', '/me', { password: 'x' }),
      ],
      ['logout', SUCCESS, await fromBerlin('POST', '/api/users/logout', { refresh_token })],
      [
        'password_reset',
        SUCCESS,
        await fromBerlin('POST', '/api/password/reset-password', {
          token: await openReset(id),
          new_password: PASSWORD,
        }),
      ],
    ]
    expect(other['access_token']).toBeDefined()
    const last = (await login(PASSWORD)) as {
      body: Record<string, string>
      status: number
      headers: Headers
    }
    acts.push(['login', SUCCESS, last])
    const deleted = await fromBerlin(
      'DELETE',
      '/api/users/me',
      { password: PASSWORD },
      last.body['access_token'],
    )
    acts.push(['account_deleted', SUCCESS, deleted])

    const who = `user:${id}`
    expect(await auditLines('user', id)).toEqual(
      acts.map(([action, rest, { headers }]) => ({
        ...{ action, actor: who, target: who, country: 'DE', ...rest },
        request_id: headers.get('X-Request-ID'),
        network: expect.stringMatching(/^2001:0db8:[0-9a-f]{4}::\/48$/),
      })),
    )
  })

  test('ASVS 16.2.1: what an admin does to a user stands in the trail, by whom and to whom', async () => {
    const user = await newUser()
    const before = (await auditLines('user', user.id)).length
    const act = (method: string, path = '', body?: unknown) =>
      fromBerlin(method, `/api/admins/users/${user.id}${path}`, body, superadmin.access_token)
    await act('GET')
    const done = [
      ['user_updated', await act('PATCH', '', { is_superuser: true })],
      ['user_sessions_revoked', await act('DELETE', '/sessions')],
      ['user_deleted', await act('DELETE')],
      ['user_restored', await act('POST', '/restore')],
    ] as const
    const lines = await auditLines('user', user.id)
    expect(lines.slice(before)).toEqual(
      done.map(([action, { headers }]) => ({
        ...{ action, ...SUCCESS, actor: `admin:${superadmin.id}`, target: `user:${user.id}` },
        request_id: headers.get('X-Request-ID'),
        network: expect.stringMatching(/::\/48$/),
        country: 'DE',
      })),
    )
  })

  test('ASVS 16.3.1: a request for a reset is told with the request that asked, a failure for nobody without an account', async () => {
    const user = await newUser()
    const asked = await fromBerlin('POST', '/api/password/forgot-password', { email: user.email })
    await mailsTo(user.email, 2)
    expect((await auditLines('user', user.id)).at(-1)).toMatchObject({
      ...{ action: 'password_reset_requested', ...SUCCESS, actor: null, target: `user:${user.id}` },
      ...{ request_id: asked.headers.get('X-Request-ID'), country: 'DE' },
    })
    const failed = await fromBerlin('POST', '/api/users/login', {
      username: freshName('nobody'),
      password: PASSWORD,
    })
    const rows = await sql(
      'select action, outcome, reason, actor_id, target_id from audit_events where request_id = $1',
      [failed.headers.get('X-Request-ID')],
    )
    expect(rows).toEqual([
      {
        ...{ action: 'login', outcome: 'failure', reason: 'unknown_account' },
        ...{ actor_id: null, target_id: null },
      },
    ])
  })
})

const linesOf = (requestId: string | null) =>
  sql('select 1 from audit_events where request_id = $1', [requestId])

describe('no act without its line, and no line without its act', () => {
  test('a statement that fails leaves neither: taken names, a foreign session, another’s rights', async () => {
    const [user, other, admin] = [await newUser(), await newUser(), await newAdmin()]
    const { access_token: token } = user
    const answers = [
      await user.caller.put(
        '/api/users/me',
        { username: other.username, full_name: 'X' },
        { token },
      ),
      await user.caller.put('/api/users/me', { email: other.email }, { token }),
      await visitor().post('/api/users/register', {
        username: user.username,
        email: `${freshName()}@example.com`,
        password: PASSWORD,
      }),
      await user.caller.delete(`/api/users/me/sessions/${crypto.randomUUID()}`, undefined, {
        token,
      }),
      await visitor().patch(
        `/api/admins/users/${user.id}`,
        { is_superuser: true },
        { token: admin.access_token },
      ),
      await visitor().delete('/api/admins/users/2147483647', undefined, {
        token: admin.access_token,
      }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([409, 409, 409, 404, 403, 404])
    for (const { headers } of answers) {
      expect(await linesOf(headers.get('X-Request-ID'))).toEqual([])
    }
    const [row] = await sql('select username, full_name from users where id = $1', [user.id])
    expect(row).toEqual({ username: user.username, full_name: null })
  })

  test('a trail that refuses its line keeps the act from happening', async () => {
    const user = await newUser()
    const neon = await faulty('neon')
    const caller = visitor({ env: neon.env() })
    const trigger = `refuse_${crypto.randomUUID().replaceAll('-', '')}`
    const requestId = crypto.randomUUID()
    await sql(`create function ${trigger}() returns trigger language plpgsql as $$
      begin
        if new.request_id = '${requestId}' then raise exception 'no line'; end if;
        return new;
      end $$`)
    await sql(
      `create trigger ${trigger} before insert on audit_events for each row execute function ${trigger}()`,
    )
    try {
      const headers = { 'X-Request-ID': requestId }
      const { access_token: token, refresh_token } = user
      const acts = [
        await caller.put('/api/users/me', { full_name: 'X' }, { token, headers }),
        await caller.post('/api/users/logout', { refresh_token }, { headers }),
        await caller.post(
          '/api/users/change-password',
          { current_password: PASSWORD, new_password: NEW_PASSWORD },
          { token, headers },
        ),
        await caller.delete(`/api/admins/users/${user.id}`, undefined, {
          token: superadmin.access_token,
          headers,
        }),
      ]
      for (const answer of acts) expect(answer.status).toBe(500)
    } finally {
      await sql(`drop trigger ${trigger} on audit_events`)
      await sql(`drop function ${trigger}`)
    }
    const [row] = await sql('select full_name, deleted_at from users where id = $1', [user.id])
    expect(row).toEqual({ full_name: null, deleted_at: null })
    expect((await visitor().get('/api/users/me', { token: user.access_token })).status).toBe(200)
    await logIn(visitor(), user.username)
    expect(await linesOf(requestId)).toEqual([])
  })
})

describe('append-only', () => {
  test('ASVS 16.4.2: the database refuses to change or delete a line, and to empty the table', async () => {
    const user = await newUser()
    const before = await auditLines('user', user.id)
    expect(before.length).toBeGreaterThan(0)
    for (const statement of [
      `update audit_events set actor_id = 1 where actor_id = ${user.id}`,
      `update audit_events set at = now() - interval '10 years' where actor_id = ${user.id}`,
      `delete from audit_events where actor_id = ${user.id}`,
      'truncate audit_events',
    ]) {
      await expect(sql(statement), statement).rejects.toThrow('append-only')
    }
    expect(await auditLines('user', user.id)).toEqual(before)
  })

  test('ASVS 16.4.2: lines older than thirty days may go, and only go', async () => {
    const requestId = crypto.randomUUID()
    await sql(
      `insert into audit_events (at, action, outcome, request_id)
       values (now() - interval '31 days', 'login', 'success', $1)`,
      [requestId],
    )
    const change = sql('update audit_events set reason = null where request_id = $1', [requestId])
    await expect(change).rejects.toThrow('append-only')
    await sql('delete from audit_events where request_id = $1', [requestId])
    expect(await linesOf(requestId)).toEqual([])
  })
})

describe('GET /api/admins/audit', () => {
  const audit = (query: string) =>
    superadmin.caller.get(`/api/admins/audit?${query}`, { token: superadmin.access_token })

  test('keyset paging answers every line once, newest first, while new ones come in', async () => {
    const user = await newUser()
    const filter = `target_kind=user&target_id=${user.id}`
    for (let i = 0; i < 4; i++) await logIn(visitor(), user.username)
    const whole = (await audit(filter)).body.items
    expect(whole).toHaveLength(6)
    const seen: unknown[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const at: string = cursor ? `&cursor=${cursor}` : ''
      const { status, body } = await audit(`${filter}&page_size=2${at}`)
      expect(status).toBe(200)
      seen.push(...body.items)
      cursor = body.next_cursor
      if (seen.length < 6) await logIn(visitor(), user.username)
    }
    expect(seen).toEqual(whole)
  })

  test('filters narrow, none widens: an admin below superadmin reads nothing by any of them', async () => {
    const [user, admin] = [await newUser(), await newAdmin()]
    await visitor().post('/api/users/login', { username: user.username, password: 'wrong pass' })
    const who = `target_kind=user&target_id=${user.id}`
    const actions = async (query: string) =>
      (await audit(`${who}&${query}`)).body.items.map(({ action }: { action: string }) => action)
    expect(await actions('outcome=failure')).toEqual(['login'])
    expect(await actions('action=register')).toEqual(['register'])
    expect(await actions('actor_kind=admin')).toEqual([])
    const before = new Date(Date.now() - 3_600_000).toISOString()
    expect(await actions(`until=${before}`)).toEqual([])
    expect(await actions(`since=${before}`)).toHaveLength(3)
    for (const query of ['', who, 'outcome=failure', `actor_kind=admin&actor_id=${admin.id}`]) {
      const refused = await visitor().get(`/api/admins/audit?${query}`, {
        token: admin.access_token,
      })
      expectError(refused, 403, 'AuthorizationError')
      expect(refused.body.items).toBeUndefined()
    }
  })

  test('a forged cursor is 422', async () => {
    const forged = ['x', 'e30', 'bnVsbA', '!!!', btoa('{"before":-1}'), btoa('{"before":1.5}')]
    for (const cursor of forged.map((text) => text.replaceAll('=', ''))) {
      const answer = await audit(`cursor=${encodeURIComponent(cursor)}`)
      expectError(answer, 422, 'ValidationError')
      expect(answer.body.details.errors[0].field).toMatch(/^cursor/)
    }
    expectInvalid(await audit('actor_id=2147483648'), 'actor_id')
  })

  test('the trail holds no address, email, name or token', async () => {
    const user = await newUser(visitor({ address: '203.0.113.199' }))
    const text = JSON.stringify((await audit(`target_kind=user&target_id=${user.id}`)).body)
    expect(text).toContain('203.0.113.0/24')
    for (const secret of ['203.0.113.199', user.email, user.username, user.refresh_token]) {
      expect(text).not.toContain(secret)
    }
  })
})

test('AUDIT_RETENTION_DAYS below thirty starts nothing', async () => {
  const env = environment({ AUDIT_RETENTION_DAYS: 29 })
  expect((await visitor({ env }).get('/')).status).toBe(503)
})
